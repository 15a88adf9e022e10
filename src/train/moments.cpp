#include "paralogit/train/moments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
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

/// The same on all ranks, since the scan is. Throws Error (input_data).
void check_range(const DataSet& data) {
    constexpr std::int32_t highest = model::ColumnScan::highest_exponent;
    constexpr double decimal = 0.30103;
    const data::FilePart& file = data.manifest.files.front();
    if (data.scan.weight_exponent > highest / 2) {
        throw Error(ExitCode::input_data,
                    fmt::format("{}:{}: the row weights are so large (about 1e{:.0f}) that sums "
                                "overflow double arithmetic; divide them by a constant",
                                file.path, file.weights_path, data.scan.weight_exponent * decimal));
    }
    for (std::size_t j = 0; j < data.scan.block_sum_exponents.size(); ++j) {
        const std::int32_t exponent =
            std::max(data.scan.block_sum_exponents[j], data.scan.value_exponents[j]);
        if (exponent > highest) {
            throw Error(
                ExitCode::input_data,
                fmt::format("{}:{}: {} has values so large (about 1e{:.0f}) that their sums "
                            "overflow double arithmetic; rescale it",
                            file.path, file.features_path,
                            data.manifest.name_of_feature(static_cast<Index>(j)),
                            data.scan.value_exponents[j] * decimal));
        }
    }
}

/// A value of each column: the first row of positive weight. On no rank when all weights are 0.
std::vector<double> first_weighted_row(const comm::Communicator& comm, const DataSet& data) {
    const data::Shard& shard = data.shard;
    const auto first = std::find_if(shard.row_weights.begin(), shard.row_weights.end(),
                                    [](double weight) { return weight > 0; });
    const Index local_row = first - shard.row_weights.begin();
    const bool has_one = shard.rows.size() > 0 && local_row < shard.rows.size();
    const Index own = has_one ? shard.rows.first + local_row : data.manifest.rows;
    const Index global_row = comm.min(own);

    std::vector<double> row(static_cast<std::size_t>(data.manifest.features), 0.0);
    if (global_row < data.manifest.rows) {
        if (own == global_row) {
            const Index offset =
                local_row * data.manifest.features * static_cast<Index>(size_of(shard.type));
            model::widen_row(shard.type, shard.values.data() + offset, row);
        }
        // Exactly one rank has the row.
        const Index owner = comm.sum(own == global_row ? Index{comm.rank()} : Index{0});
        comm.broadcast(row, static_cast<int>(owner));
    }
    return row;
}

void add_own_blocks(const DataSet& data, std::span<const double> origin, model::ExactSums& sums) {
    const Index features = data.manifest.features;
    sums.clear();
    model::BlockMoments moments;
    for (Index k = data.shard.blocks.first; k < data.shard.blocks.end; ++k) {
        model::block_moments(data.shard.block(k, data.plan), origin, data.scan.value_exponents,
                             moments);
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

/// The hash of all rows, as two words whose sums cannot overflow.
std::array<Index, 2> hash_of_rows(const comm::Communicator& comm, const DataSet& data) {
    std::uint64_t own = 0;
    for (Index k = data.shard.blocks.first; k < data.shard.blocks.end; ++k) {
        own += model::block_hash(data.shard.block(k, data.plan));
    }
    std::array<Index, 2> words{static_cast<Index>(own & 0xffffffffU),
                               static_cast<Index>(own >> 32U)};
    comm.sum(std::span<Index>(words));
    // The carry of the low word, and the sum modulo 2^64.
    words[1] = (words[1] + (words[0] >> 32U)) & 0xffffffff;
    words[0] &= 0xffffffff;
    return words;
}

std::string fingerprint(const comm::Communicator& comm, const DataSet& data,
                        const model::ExactSums& sums) {
    Sha256 digest;
    digest.add(std::string("paralogit data 1"));
    const std::array<Index, 2> shape{data.manifest.rows, data.manifest.features};
    digest.add(std::span<const Index>(shape));
    digest.add(std::span<const Index>(hash_of_rows(comm, data)));
    digest.add(sums.limbs());
    return digest.hex();
}

}  // namespace

Moments compute_moments(const comm::Communicator& comm, const DataSet& data) {
    comm::together(comm, [&] { check_range(data); });
    const Index features = data.manifest.features;
    model::ExactSums sums = comm::together(comm, [&] {
        return model::ExactSums(exponents_of_moments(data.scan),
                                std::max<Index>(data.plan.blocks(), 1));
    });
    // First the mean, from a value of the column itself, so that a constant column has it exactly;
    // then the squares about the mean, where nothing cancels.
    std::vector<double> origin = first_weighted_row(comm, data);
    comm::together(comm, [&] { add_own_blocks(data, origin, sums); });
    comm.sum(sums.limbs());

    Moments moments;
    moments.weight_sum = sums.value(3 * features);
    comm::together(comm, [&] {
        if (!(moments.weight_sum > 0)) {
            const data::FilePart& file = data.manifest.files.front();
            throw Error(ExitCode::input_data,
                        file.path + ":" + file.weights_path +
                            ": every row weight is 0; at least one must be positive");
        }
    });
    moments.positive_share = sums.value(3 * features + 1) / moments.weight_sum;
    for (Index j = 0; j < features; ++j) {
        origin[static_cast<std::size_t>(j)] += sums.value(j) / moments.weight_sum;
    }
    comm::together(comm, [&] { add_own_blocks(data, origin, sums); });
    comm.sum(sums.limbs());

    moments.mean.resize(features);
    moments.standard_deviation.resize(features);
    for (Index j = 0; j < features; ++j) {
        const auto at = static_cast<std::size_t>(j);
        moments.mean[j] = origin[at];
        moments.standard_deviation[j] =
            std::ldexp(std::sqrt(sums.value(features + j) / moments.weight_sum),
                       data.scan.value_exponents[at]);
    }
    moments.fingerprint = fingerprint(comm, data, sums);
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
        // A column that says nothing keeps its coefficient, whatever the penalty.
        const bool has_penalty = l2 > 0 && size > 0 && size < largest_square;
        change.scale[j] = has_penalty ? std::sqrt(size * size + 4 * l2) : size;
    }
    return change;
}

}  // namespace paralogit::train
