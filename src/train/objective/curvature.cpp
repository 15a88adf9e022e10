#include "paralogit/train/curvature.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "../seconds_since.hpp"
#include "hessian_frame.hpp"
#include "hessian_products.hpp"
#include "local_hessian.hpp"
#include "paralogit/comm/agreement.hpp"
#include "sparse_curvature.hpp"

namespace paralogit::train {

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

/// Positions of the integers behind the sums in the message of a product.
enum Word : std::size_t {
    not_finite,
    ranks_in_error,
    signals,
    times_up,
    word_count,
};

std::span<const double> coefficients_of(const Vector& parameters, Index features) {
    return {parameters.data(), static_cast<std::size_t>(features)};
}

}  // namespace

Curvature::Curvature(const comm::Communicator& comm, const DataSet& data, bool has_intercept,
                     model::Loss loss, std::shared_ptr<SparsePass> pass)
    : comm_(comm),
      data_(data),
      features_(data.shard.features),
      has_intercept_(has_intercept),
      loss_(loss),
      pass_(std::move(pass)) {
    if (data.sparse) {
        return;
    }
    comm::together(comm, [&] {
        products_ = std::make_unique<HessianProducts>(data, has_intercept, loss);
        message_.resize(HessianProducts::limbs_of(features_) + word_count);
        value_bounds_.resize(features_);
    });
    for (Index j = 0; j < features_; ++j) {
        value_bounds_[j] =
            std::ldexp(1.0, data.bounds.value_exponents[static_cast<std::size_t>(j)]);
    }
}

Curvature::~Curvature() = default;

bool Curvature::agree(bool is_finite) {
    const StopRequests own = own_requests();
    std::array<std::int32_t, 3> words{is_finite ? 0 : 1, own.signal ? 1 : 0,
                                      own.time_limit ? 1 : 0};
    comm_.max(std::span<std::int32_t>(words));
    requests_ = {.signal = words[1] > 0, .time_limit = words[2] > 0};
    return words[0] == 0;
}

std::vector<Index> Curvature::all_features() const {
    std::vector<Index> features(static_cast<std::size_t>(features_));
    std::iota(features.begin(), features.end(), Index{0});
    return features;
}

Matrix Curvature::hessian(const Vector& parameters, const optim::ChangeOfVariables& change,
                          Index thinning, Precision precision) {
    return hessian_among(parameters, change, all_features(), thinning, precision);
}

Matrix Curvature::hessian_among(const Vector& parameters, const optim::ChangeOfVariables& change,
                                std::span<const Index> features, Index thinning,
                                Precision precision) {
    const TraceSpan span(main_lane(data_.execution.trace), "curvature");
    const auto begin = Clock::now();
    const ScaledFrame scaled = scaled_frame(change, features, data_.bounds, has_intercept_);
    LocalHessian sums = comm::together(comm_, [&] {
        return local_hessian(task_of(parameters, scaled.frame, thinning, precision));
    });
    Matrix hessian = over_ranks(sums, scaled);
    seconds_ += seconds_since(begin);
    return hessian;
}

Matrix Curvature::hessian_beside(const Vector& parameters, const optim::ChangeOfVariables& change,
                                 Index thinning, Precision precision,
                                 const std::function<void(const BlockVisitor&)>& pass) {
    const ScaledFrame scaled = scaled_frame(change, all_features(), data_.bounds, has_intercept_);
    const HessianTask task = task_of(parameters, scaled.frame, thinning, precision);
    HessiansOfThreads sums = comm::together(comm_, [&] { return HessiansOfThreads(task); });
    pass([&](int thread, const data::ShardWalk& walk) { sums.add(thread, walk); });
    const auto begin = Clock::now();
    LocalHessian joined = sums.joined();
    Matrix hessian = over_ranks(joined, scaled);
    seconds_ += seconds_since(begin);
    return hessian;
}

HessianTask Curvature::task_of(const Vector& parameters, const model::HessianFrame& frame,
                               Index thinning, Precision precision) const {
    return {.data = data_,
            .frame = frame,
            .coefficients = coefficients_of(parameters, features_),
            .intercept = has_intercept_ ? parameters[features_] : 0.0,
            .thinning = Thinning::of(thinning, data_.plan.rows_per_block()),
            .precision = precision,
            .loss = loss_};
}

Matrix Curvature::over_ranks(LocalHessian& sums, const ScaledFrame& scaled) {
    comm_.sum(sums.products.limbs());
    comm_.sum(sums.weights.limbs());
    const bool is_finite_everywhere = agree(sums.is_finite);
    const double weight_sum = sums.weights.value(0);
    return scaled.unscaled([&](Index row, Index column) {
        return is_finite_everywhere
                   ? sums.products.value(row, column) / weight_sum * loss_.curvature_unit()
                   : nan_value;
    });
}

void Curvature::go_to(const Vector& parameters) {
    const TraceSpan span(main_lane(data_.execution.trace), "curvature");
    const auto begin = Clock::now();
    // Rows that are streamed are read, which may fail on one rank alone.
    comm::together(comm_, [&] {
        if (!pass_) {
            pass_ = std::make_shared<SparsePass>(data_);
        }
        if (!sparse_) {
            sparse_ = std::make_unique<SparseCurvature>(comm_, data_, loss_, pass_);
        }
        sparse_->go_to(parameters, has_intercept_, lone_);
    });
    seconds_ += seconds_since(begin);
}

void Curvature::next_product(Vector& direction, const SparseProduct& how) {
    const TraceSpan span(main_lane(data_.execution.trace), "curvature");
    const auto begin = Clock::now();
    requests_ = own_requests();
    sparse_->multiply(direction, how, has_intercept_, requests_);
    seconds_ += seconds_since(begin);
}

template <typename AddUp>
Vector Curvature::mean_over_ranks(Index dimension, const AddUp& add_up) {
    const std::span<std::int64_t> words = std::span(message_).last(word_count);
    std::ranges::fill(message_, 0);
    std::optional<Error> own_error;
    try {
        words[not_finite] = add_up() ? 0 : 1;
        std::ranges::copy(products_->limbs(), message_.begin());
    } catch (...) {
        // The other ranks wait in the Allreduce: this one must get there too.
        own_error = comm::error_from(std::current_exception());
        words[ranks_in_error] = 1;
    }
    const StopRequests own = own_requests();
    words[signals] = own.signal ? 1 : 0;
    words[times_up] = own.time_limit ? 1 : 0;
    comm_.sum(message_);
    if (words[ranks_in_error] > 0) {
        comm::agree(comm_, own_error);
    }
    requests_ = {.signal = words[signals] > 0, .time_limit = words[times_up] > 0};
    Vector means = Vector::Constant(dimension, nan_value);
    if (words[not_finite] == 0) {
        std::ranges::copy(std::span(message_).first(products_->limbs().size()),
                          products_->limbs().begin());
        const double weight_sum = products_->weight_sum();
        for (Index j = 0; j < dimension; ++j) {
            means[j] = products_->value(j) / weight_sum;
        }
    }
    return means;
}

Vector Curvature::product(const Vector& parameters, const Vector& direction, Index thinning) {
    if (data_.sparse) {
        go_to(parameters);
        Vector product = direction;
        next_product(product, {.thinning = thinning});
        return product;
    }
    const TraceSpan span(main_lane(data_.execution.trace), "curvature");
    const auto begin = Clock::now();
    // A bound of |x.direction|, and the power of two that brings it below 1.
    double largest = std::abs(has_intercept_ ? direction[features_] : 0.0);
    for (Index j = 0; j < features_; ++j) {
        largest += std::abs(direction[j]) * value_bounds_[j];
    }
    if (!(largest < 0x1p1000)) {
        // Known to all ranks, so there is no message that could carry requests.
        requests_ = {};
        return Vector::Constant(parameters.size(), nan_value);
    }
    const double unit = std::ldexp(1.0, model::exponent_above(largest));
    const Vector scaled = direction / unit;
    Vector product = mean_over_ranks(parameters.size(), [&] {
        products_->go_to(parameters, thinning);
        return products_->multiply(scaled);
    });
    product *= unit * loss_.curvature_unit();
    seconds_ += seconds_since(begin);
    return product;
}

Vector Curvature::diagonal(const Vector& parameters, const optim::ChangeOfVariables& change,
                           Index thinning) {
    if (data_.sparse) {
        go_to(parameters);
        const TraceSpan span(main_lane(data_.execution.trace), "curvature");
        const auto begin = Clock::now();
        Vector diagonal = sparse_->diagonal(change, has_intercept_);
        static_cast<void>(agree(true));
        seconds_ += seconds_since(begin);
        return diagonal;
    }
    const TraceSpan span(main_lane(data_.execution.trace), "curvature");
    const auto begin = Clock::now();
    std::vector<std::int32_t> exponents(static_cast<std::size_t>(features_));
    Vector unit(features_);
    for (Index j = 0; j < features_; ++j) {
        const auto at = static_cast<std::size_t>(j);
        const double largest = value_bounds_[j] + std::abs(change.centre[j]);
        exponents[at] = std::clamp(model::exponent_above(largest), -500, 500);
        unit[j] = std::ldexp(1.0, -exponents[at]);
    }
    Vector diagonal = mean_over_ranks(parameters.size(), [&] {
        products_->go_to(parameters, thinning);
        return products_->add_squares(change.centre, unit);
    });
    for (Index j = 0; j < features_; ++j) {
        const double scale = change.scale[j];
        const int exponent = 2 * exponents[static_cast<std::size_t>(j)];
        diagonal[j] = scale == 0 ? 0.0 : std::ldexp(diagonal[j], exponent) / scale / scale;
    }
    diagonal *= loss_.curvature_unit();
    seconds_ += seconds_since(begin);
    return diagonal;
}

}  // namespace paralogit::train
