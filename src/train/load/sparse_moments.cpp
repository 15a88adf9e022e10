#include "sparse_moments.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>

#include "../objective/sparse_pass.hpp"
#include "far_columns.hpp"
#include "paralogit/base/digest.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/model/sparse_kernel.hpp"

namespace paralogit::train {

namespace {

void put_weights(const model::SparseBlock& block, std::span<double> factors) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(block.rows); ++i) {
        factors[i] = block.row_weights.empty() ? 1.0 : block.row_weights[i];
    }
}

/// Sums over the rows of all ranks of factors, which `put_factors` makes for a block, times what
/// `scatter` makes of the entries.
template <typename PutFactors, typename Scatter>
void put_weighted_sums(const comm::Communicator& comm, SparsePass& pass,
                       const model::ScatterScale& scale, std::span<double> sums,
                       PutFactors&& put_factors, Scatter&& scatter) {
    comm::together(comm, [&] {
        const Range all_features{.first = 0, .end = scale.features()};
        const bool is_within = pass.add_up(
            scale,
            [&](int, const model::SparseBlock& block, model::ScatteredSums* target,
                std::span<double> factors) {
                put_factors(block, factors);
                return target == nullptr || scatter(block, factors, all_features, *target);
            },
            [&](const model::SparseBlock& block, std::span<const double> factors, Range features,
                model::ScatteredSums& target) {
                return scatter(block, factors, features, target);
            });
        if (!is_within) {
            throw Error(ExitCode::internal,
                        "internal error: the sums of a column exceed the bounds that were found "
                        "for them");
        }
    });
    comm.sum(pass.sums().message(0));
    pass.values(1, 0, sums);
}

std::span<double> span_of(Vector& vector) {
    return {vector.data(), static_cast<std::size_t>(vector.size())};
}

/// Of s (x 2^-u)^2, u the exponent of the largest x.
model::ScatterScale scale_of_squares(const DataSet& data, std::size_t features) {
    const std::vector<std::int16_t>& sums = data.bounds.sum_exponents;
    std::vector<std::int16_t> exponents(sums.begin(),
                                        sums.begin() + static_cast<std::ptrdiff_t>(features));
    for (std::size_t j = 0; j < exponents.size(); ++j) {
        const int exponent = exponents[j] - data.bounds.value_exponents[j];
        exponents[j] = static_cast<std::int16_t>(std::clamp<int>(
            exponent, model::ScatterScale::lowest_exponent, model::ScatterScale::highest_exponent));
    }
    return {exponents, data.manifest.rows};
}

std::string fingerprint(const DataSet& data, const Vector& sums) {
    Sha256 digest;
    digest.add(std::string("paralogit sparse data 1"));
    const std::array<Index, 2> shape{data.manifest.rows, data.manifest.features};
    digest.add(std::span<const Index>(shape));
    const std::array<Index, 1> hash{static_cast<Index>(data.sparse->hash)};
    digest.add(std::span<const Index>(hash));
    digest.add(std::as_const(data.sparse->sums).limbs());
    digest.add(std::span<const double>(sums.data(), static_cast<std::size_t>(sums.size())));
    return digest.hex();
}

template <typename PutFactors>
void put_sums_of_squares(const comm::Communicator& comm, const DataSet& data, SparsePass& pass,
                         const model::ScatterScale& scale, std::span<double> sums,
                         PutFactors&& put_factors) {
    put_weighted_sums(comm, pass, scale, sums, put_factors,
                      [&](const model::SparseBlock& block, std::span<const double> factors,
                          Range features, model::ScatteredSums& target) {
                          return model::scatter_squares(block, factors, data.bounds.value_exponents,
                                                        features, target, data.execution.isa);
                      });
}

}  // namespace

void sparse_squares(const comm::Communicator& comm, const DataSet& data, SparsePass& pass,
                    std::span<const double> row_factors, std::span<double> sums) {
    put_sums_of_squares(
        comm, data, pass, scale_of_squares(data, sums.size()).of_high_limbs(), sums,
        [&](const model::SparseBlock& block, std::span<double> factors) {
            const auto first =
                static_cast<std::size_t>(block.first_global_row - data.shard.rows.first);
            std::ranges::copy(row_factors.subspan(first, static_cast<std::size_t>(block.rows)),
                              factors.begin());
        });
}

Moments sparse_moments(const comm::Communicator& comm, const DataSet& data) {
    const model::Isa isa = data.execution.isa;
    const std::vector<std::int16_t>& units = data.bounds.value_exponents;
    Moments moments;
    moments.weight_sum = data.sparse->sums.value(0);
    require_some_weight(comm, data, moments.weight_sum);
    moments.positive_share = data.sparse->sums.value(1) / moments.weight_sum;

    SparsePass pass = comm::together(comm, [&] {
        moments.mean.resize(data.shard.features);
        moments.standard_deviation.resize(data.shard.features);
        return SparsePass(data);
    });
    put_weighted_sums(comm, pass, data.sparse->scale, span_of(moments.mean), put_weights,
                      [&](const model::SparseBlock& block, std::span<const double> weights,
                          Range features, model::ScatteredSums& target) {
                          return model::scatter_block(block, 1, weights, features, target, isa);
                      });
    moments.fingerprint = fingerprint(data, moments.mean);
    moments.mean /= moments.weight_sum;

    Vector& deviation = moments.standard_deviation;
    put_sums_of_squares(comm, data, pass, scale_of_squares(data, data.bounds.sum_exponents.size()),
                        span_of(deviation), put_weights);
    std::vector<Index> far;
    for (Index j = 0; j < deviation.size(); ++j) {
        constexpr double worst_share = 0x1p-20;
        if (deviation[j] == 0) {
            continue;  // a column of zeros
        }
        const int unit = units[static_cast<std::size_t>(j)];
        const double square = deviation[j] / moments.weight_sum;
        const double mean = std::ldexp(moments.mean[j], -unit);
        const double variance = std::max(square - mean * mean, 0.0);
        if (variance < worst_share * square) {
            far.push_back(j);
        }
        deviation[j] = std::ldexp(std::sqrt(variance), unit);
    }
    if (!far.empty()) {
        refine_far_columns(comm, data, far, moments);
    }
    return moments;
}

}  // namespace paralogit::train
