#include "sparse_curvature.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "../load/sparse_moments.hpp"
#include "lone_features.hpp"
#include "margin_bound.hpp"
#include "paralogit/base/chunks.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/model/sparse_kernel.hpp"
#include "paralogit/model/thinned_rows.hpp"

namespace paralogit::train {

namespace {

std::span<const double> coefficients_of(const Vector& parameters, const DataSet& data) {
    return {parameters.data(), static_cast<std::size_t>(data.shard.features)};
}

double intercept_of(const Vector& parameters, bool has_intercept) {
    return has_intercept ? parameters[parameters.size() - 1] : 0.0;
}

/// Of an exponent as the bounds of values have them.
double power_of_two(int exponent) {
    return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52U);
}

/// Of the rows that are left.
double weight_of(const model::SparseBlock& block, Index thinning) {
    const model::ThinnedRows rows(block.first_global_row, block.rows, thinning);
    double sum = 0;
    for (Index i = 0; i < rows.size(); ++i) {
        sum +=
            block.row_weights.empty() ? 1.0 : block.row_weights[static_cast<std::size_t>(rows[i])];
    }
    return sum;
}

}  // namespace

SparseCurvature::SparseCurvature(const comm::Communicator& comm, const DataSet& data,
                                 model::Loss loss, std::shared_ptr<SparsePass> pass)
    : comm_(comm),
      data_(data),
      loss_(loss),
      pass_(std::move(pass)),
      features_(data.shard.features) {
    by_thread_.assign(static_cast<std::size_t>(data.execution.threads),
                      model::ExactSums({data.bounds.weight_exponent, data.bounds.weight_exponent},
                                       std::max<Index>(data.plan.blocks(), 1), data.execution.isa));
    curvatures_.resize(static_cast<std::size_t>(data.shard.rows.size()));
}

void SparseCurvature::go_to(const Vector& parameters, bool has_intercept,
                            const LoneFeatures* lone) {
    const Index features = lone == nullptr ? data_.shard.features : lone->first;
    if (features != scale_.features()) {
        features_ = features;
        scale_ = data_.sparse->scale.of_first(features);
        high_scale_ = scale_.of_high_limbs();
    }
    const int threads = data_.execution.threads;
    run_threads(threads, [&](int thread) {
        data::ShardWalk walk(data_.shard, data_.plan, thread, threads);
        while (walk.next()) {
            const model::SparseBlock block = walk.sparse_block();
            const auto first =
                static_cast<std::size_t>(block.first_global_row - data_.shard.rows.first);
            model::block_curvatures(
                block, coefficients_of(parameters, data_), intercept_of(parameters, has_intercept),
                std::span(curvatures_).subspan(first, static_cast<std::size_t>(block.rows)),
                data_.execution.isa, loss_);
            const std::size_t end =
                lone == nullptr ? first : first + static_cast<std::size_t>(block.rows);
            for (std::size_t i = first; i < end; ++i) {
                curvatures_[i] /= 1 + curvatures_[i] * lone->give[i];
            }
        }
    });
}

void SparseCurvature::add_own_blocks(const Vector& direction, const SparseProduct& how,
                                     bool has_intercept, double unit) {
    for (model::ExactSums& sums : by_thread_) {
        sums.clear();
    }
    const Index thinning = how.thinning;
    const bool is_within = pass_->add_up(
        how.is_rounded ? high_scale_ : scale_,
        [&](int thread, const model::SparseBlock& block, model::ScatteredSums* target,
            std::span<double> factors) {
            model::ExactSums& sums = by_thread_[static_cast<std::size_t>(thread)];
            const auto first =
                static_cast<std::size_t>(block.first_global_row - data_.shard.rows.first);
            model::SparseBlockSums of_block;
            return model::multiply_block_hessian(
                       block, thinning,
                       std::span<const double>(curvatures_)
                           .subspan(first, static_cast<std::size_t>(block.rows)),
                       coefficients_of(direction, data_), intercept_of(direction, has_intercept),
                       unit, target, factors, of_block, data_.execution.isa) &&
                   sums.add(0, of_block.slopes) && sums.add(1, weight_of(block, thinning));
        },
        [&](const model::SparseBlock& block, std::span<const double> factors, Range features,
            model::ScatteredSums& target) {
            return model::scatter_block(block, thinning, factors, features, target,
                                        data_.execution.isa);
        });
    model::ExactSums& all = by_thread_.front();
    for (std::size_t t = 1; t < by_thread_.size(); ++t) {
        all.add(by_thread_[t]);
    }
    const std::span<std::int64_t> words = pass_->sums().words();
    words[slopes] = all.limbs()[0];
    words[weights] = all.limbs()[1];
    words[slopes_rest] = all.limbs()[2];
    words[weights_rest] = all.limbs()[3];
    words[ranks_outside] = is_within ? 0 : 1;
}

void SparseCurvature::multiply(Vector& direction, const SparseProduct& how, bool has_intercept,
                               StopRequests& requests) {
    constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
    const double largest =
        margin_bound(coefficients_of(direction, data_).first(static_cast<std::size_t>(features_)),
                     intercept_of(direction, has_intercept), data_.bounds, data_.execution.threads);
    constexpr double most = 0x1p1000;
    if (!(largest < most)) {
        // Known to all ranks, so there is no message that could carry requests.
        requests = {};
        direction.setConstant(nothing);
        return;
    }
    // |c q x| <= s |x| |q| / 4, and |q| 2^-exponent < 2 with what rounding adds.
    const std::int32_t exponent = model::exponent_above(largest);
    comm::together(
        comm_, [&] { add_own_blocks(direction, how, has_intercept, std::ldexp(1.0, -exponent)); });
    const std::span<std::int64_t> words = pass_->sums().words();
    words[signals] = requests.signal ? 1 : 0;
    words[times_up] = requests.time_limit ? 1 : 0;
    comm_.sum(pass_->sums().message(word_count));
    requests = {.signal = words[signals] > 0, .time_limit = words[times_up] > 0};
    if (words[ranks_outside] > 0) {
        direction.setConstant(nothing);
        return;
    }

    model::ExactSums& all = by_thread_.front();
    all.limbs()[0] = words[slopes];
    all.limbs()[1] = words[weights];
    all.limbs()[2] = words[slopes_rest];
    all.limbs()[3] = words[weights_rest];
    // The unit is a power of two, and so changes nothing but the exponent.
    const double unit = std::ldexp(loss_.curvature_unit(), exponent) / all.value(1);
    pass_->values(unit, how.ridge,
                  std::span(direction.data(), static_cast<std::size_t>(features_)));
    if (has_intercept) {
        direction[data_.shard.features] = all.value(0) * unit;
    }
}

Vector SparseCurvature::diagonal(const optim::ChangeOfVariables& change, bool has_intercept) {
    constexpr double least_share = 0.01;
    model::ExactSums& curvature = by_thread_.front();
    comm::together(comm_, [&] {
        curvature.clear();
        for (Index k = data_.shard.blocks.first; k < data_.shard.blocks.end; ++k) {
            const Range rows = data_.plan.rows_of_block(k);
            double sum = 0;
            for (Index i = rows.first; i < rows.end; ++i) {
                sum += curvatures_[static_cast<std::size_t>(i - data_.shard.rows.first)];
            }
            // Margins that overflow have no curvature; the product finds them as well.
            static_cast<void>(curvature.add(0, sum));
        }
    });
    comm_.sum(curvature.limbs());
    const double curvature_sum = curvature.value(0);
    const double weight_sum = data_.sparse->sums.value(0);

    Vector diagonal(features_ + (has_intercept ? 1 : 0));
    sparse_squares(comm_, data_, *pass_, curvatures_,
                   std::span(diagonal.data(), static_cast<std::size_t>(features_)));
    in_parts(features_, data_.execution.threads, [&](Range part) {
        for (Index j = part.first; j < part.end; ++j) {
            // Powers of two change no digits.
            const double to_unit =
                power_of_two(-data_.bounds.value_exponents[static_cast<std::size_t>(j)]);
            const double centre = change.centre[j] * to_unit;
            const double scale = change.scale[j] * to_unit;
            const double centred = diagonal[j] - curvature_sum * centre * centre;
            diagonal[j] = scale == 0 ? 0.0
                                     : std::max(centred, least_share * diagonal[j]) /
                                           (scale * scale * weight_sum);
        }
    });
    if (has_intercept) {
        diagonal[features_] = curvature_sum / weight_sum;
    }
    diagonal *= loss_.curvature_unit();
    return diagonal;
}

}  // namespace paralogit::train
