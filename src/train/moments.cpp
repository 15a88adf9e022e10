#include "paralogit/train/moments.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "paralogit/base/digest.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/model/exact_sum.hpp"
#include "paralogit/model/moments.hpp"

namespace paralogit::train {

namespace {

/// The sums lie one after the other: deviations, squared deviations, label deviations [d each], row
/// weights, weighted labels.
std::vector<std::int32_t> exponents_of_moments(const model::ColumnScan& scan) {
    const std::size_t features = scan.value_exponents.size();
    std::vector<std::int32_t> exponents(3 * features + 2);
    for (std::size_t j = 0; j < features; ++j) {
        // sum s |x - c| <= sum s |x| + (sum s) |c|, |label - 1/2| <= 1, and the unit of the squares
        // is the power of two above every |x|.
        const std::int32_t deviation = 1 + std::max(scan.block_sum_exponents[j],
                                                    scan.weight_exponent + scan.value_exponents[j]);
        exponents[j] = deviation;
        exponents[features + j] = scan.weight_exponent + 2;
        exponents[2 * features + j] = deviation;
    }
    exponents[3 * features] = scan.weight_exponent;
    exponents[3 * features + 1] = scan.weight_exponent;
    for (std::int32_t& exponent : exponents) {
        exponent = std::clamp<std::int32_t>(exponent, -1000, 1023);
    }
    return exponents;
}

std::span<const double> view(const Vector& vector) {
    return {vector.data(), static_cast<std::size_t>(vector.size())};
}

void add_own_blocks(const DataSet& data, model::ExactSums& sums) {
    const Index features = data.manifest.features;
    model::BlockMoments moments;
    for (Index k = data.shard.blocks.first; k < data.shard.blocks.end; ++k) {
        model::block_moments(data.shard.block(k, data.plan), data.first_row,
                             data.scan.value_exponents, moments);
        const bool is_within_bounds = sums.add(0, view(moments.deviations)) &&
                                      sums.add(features, view(moments.squared_deviations)) &&
                                      sums.add(2 * features, view(moments.label_deviations)) &&
                                      sums.add(3 * features, moments.weights) &&
                                      sums.add(3 * features + 1, moments.weighted_labels);
        if (!is_within_bounds) {
            throw Error(ExitCode::internal,
                        "internal error: a sum over the rows of a block exceeds its bound");
        }
    }
}

std::string fingerprint(const DataSet& data, const model::ExactSums& sums) {
    Sha256 digest;
    digest.add(std::string("paralogit data 1"));
    const std::vector<Index> shape{data.manifest.rows, data.manifest.features};
    digest.add(std::span<const Index>(shape));
    const std::vector<Index> exponents(data.scan.block_sum_exponents.begin(),
                                       data.scan.block_sum_exponents.end());
    digest.add(std::span<const Index>(exponents));
    digest.add(std::span<const double>(data.first_row));
    digest.add(sums.limbs());
    return digest.hex();
}

}  // namespace

Moments compute_moments(const comm::Communicator& comm, const DataSet& data) {
    const Index features = data.manifest.features;
    model::ExactSums sums(exponents_of_moments(data.scan), std::max<Index>(data.plan.blocks(), 1));
    comm::together(comm, [&] { add_own_blocks(data, sums); });
    comm.sum(sums.limbs());

    Moments moments;
    moments.weight_sum = sums.value(3 * features);
    if (!(moments.weight_sum > 0)) {
        comm::agree(comm, Error(ExitCode::input_data,
                                data.manifest.files.front().path + ":" +
                                    data.manifest.files.front().weights_path +
                                    ": every row weight is 0; at least one must be positive"));
    }
    moments.positive_share = sums.value(3 * features + 1) / moments.weight_sum;
    moments.mean.resize(features);
    moments.standard_deviation.resize(features);
    for (Index j = 0; j < features; ++j) {
        const auto at = static_cast<std::size_t>(j);
        const std::int32_t unit = data.scan.value_exponents[at];
        const double shift = sums.value(j) / moments.weight_sum;
        const double scaled_shift = std::ldexp(shift, -unit);
        const double scaled_variance =
            sums.value(features + j) / moments.weight_sum - scaled_shift * scaled_shift;
        moments.mean[j] = data.first_row[at] + shift;
        moments.standard_deviation[j] = std::ldexp(std::sqrt(std::max(scaled_variance, 0.0)), unit);
    }
    moments.fingerprint = fingerprint(data, sums);
    return moments;
}

optim::ChangeOfVariables standardisation(const Moments& moments, double l2, bool has_intercept) {
    const Index features = moments.mean.size();
    auto change = optim::ChangeOfVariables::identity(features, has_intercept);
    // Squares of what lies outside this range leave double arithmetic.
    constexpr double largest_square = 1e150;
    for (Index j = 0; j < features; ++j) {
        double size = moments.standard_deviation[j];
        if (has_intercept) {
            change.centre[j] = moments.mean[j];
        } else if (std::abs(moments.mean[j]) > size) {
            // Without an intercept nothing takes up a centre, so the mean square measures a column.
            const double ratio = size / std::abs(moments.mean[j]);
            size = std::abs(moments.mean[j]) * std::sqrt(1.0 + ratio * ratio);
        } else if (size > 0) {
            const double ratio = std::abs(moments.mean[j]) / size;
            size *= std::sqrt(1.0 + ratio * ratio);
        }
        change.scale[j] = l2 > 0 && size < largest_square ? std::sqrt(size * size + 4 * l2) : size;
    }
    return change;
}

}  // namespace paralogit::train
