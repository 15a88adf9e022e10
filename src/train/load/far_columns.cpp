#include "far_columns.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>

#include "paralogit/base/bytes.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/model/column_scan.hpp"
#include "paralogit/model/exact_sum.hpp"

namespace paralogit::train {

namespace {

/// Calls action(position in `features`, value, row weight) for the entries of some columns in this
/// rank's rows of positive weight.
template <typename Action>
void for_each_entry(const DataSet& data, const std::vector<Index>& features, Action&& action) {
    data::ShardWalk walk(data.shard, data.plan, 0, 1);
    while (walk.next()) {
        const model::SparseBlock block = walk.sparse_block();
        const auto element_bytes = static_cast<Index>(size_of(block.type));
        const auto rows = static_cast<std::size_t>(block.rows);
        for (std::size_t i = 0; i < rows; ++i) {
            const double weight = block.row_weights.empty() ? 1.0 : block.row_weights[i];
            // Both lists rise.
            auto feature = features.begin();
            const Index end = weight == 0 ? block.offsets[i] : block.offsets[i + 1];
            for (Index k = block.offsets[i]; k < end; ++k) {
                std::uint32_t index = 0;
                std::memcpy(&index, block.indices + k * Index{sizeof index}, sizeof index);
                feature = std::lower_bound(feature, features.end(), Index{index});
                if (feature == features.end()) {
                    break;
                }
                if (*feature == Index{index}) {
                    double value = 0;
                    model::widen_row(block.type, block.values + k * element_bytes, {&value, 1});
                    action(static_cast<std::size_t>(feature - features.begin()), value, weight);
                }
            }
        }
    }
}

/// The one value that a column has in all rows of positive weight, where there is one.
std::vector<std::optional<double>> constants_of(const comm::Communicator& comm, const DataSet& data,
                                                const std::vector<Index>& features) {
    struct Column {
        double value = 0;
        std::int64_t entries = 0;
        bool is_constant = true;
    };
    std::vector<Column> columns(features.size());
    comm::together(comm, [&] {
        for_each_entry(data, features, [&](std::size_t at, double value, double) {
            Column& column = columns[at];
            column.is_constant =
                column.is_constant && (column.entries == 0 || value == column.value);
            column.value = value;
            ++column.entries;
        });
    });
    const Index rows = std::ssize(data.shard.row_weights) == 0
                           ? data.shard.rows.size()
                           : std::ranges::count_if(data.shard.row_weights,
                                                   [](double weight) { return weight > 0; });
    ByteWriter own;
    for (const Column& column : columns) {
        own.put(column.value);
        own.put(rows > 0);
        own.put(column.is_constant && column.entries == rows);
    }
    std::vector<Column> all(features.size());
    for (const std::string& bytes : comm.all_gather(own.take())) {
        ByteReader reader(bytes);
        for (Column& column : all) {
            const auto value = reader.number<double>();
            const bool has_rows = reader.flag();
            const bool is_constant = reader.flag();
            if (has_rows) {
                column.is_constant = column.is_constant && is_constant &&
                                     (column.entries == 0 || value == column.value);
                column.value = value;
                ++column.entries;
            }
        }
    }
    std::vector<std::optional<double>> constants;
    constants.reserve(all.size());
    for (const Column& column : all) {
        constants.push_back(column.is_constant && column.entries > 0 ? std::optional(column.value)
                                                                     : std::nullopt);
    }
    return constants;
}

/// Positions of the sums of a column: of row weights, of deviations from the mean and of their
/// squares, the latter two in units of the largest value.
enum Sum : std::size_t { weights, deviations, squares, sum_count };

}  // namespace

void refine_far_columns(const comm::Communicator& comm, const DataSet& data,
                        const std::vector<Index>& features, Moments& moments) {
    const auto constants = constants_of(comm, data, features);
    const auto unit_of = [&](std::size_t at) {
        return int{data.bounds.value_exponents[static_cast<std::size_t>(features[at])]};
    };
    // |x - mean| 2^-unit < 2, and a row weight is no larger than the largest sum of some.
    const std::int32_t weight = data.bounds.weight_exponent;
    std::vector<std::int32_t> exponents;
    for (std::size_t at = 0; at < features.size(); ++at) {
        exponents.insert(exponents.end(), {weight, weight + 1, weight + 2});
    }
    model::ExactSums sums(exponents, data.manifest.rows, data.execution.isa);
    comm::together(comm, [&] {
        for_each_entry(data, features, [&](std::size_t at, double value, double row_weight) {
            const double deviation = std::ldexp(value - moments.mean[features[at]], -unit_of(at));
            const double partials[] = {row_weight, row_weight * deviation,
                                       row_weight * deviation * deviation};
            // Within the bounds by their making.
            static_cast<void>(sums.add(static_cast<Index>(sum_count * at), partials));
        });
    });
    comm.sum(sums.limbs());

    for (std::size_t at = 0; at < features.size(); ++at) {
        const Index feature = features[at];
        double& mean = moments.mean[feature];
        if (constants[at]) {
            mean = *constants[at];
            moments.standard_deviation[feature] = 0;
            continue;
        }
        const auto sum = [&](Sum which) {
            return sums.value(static_cast<Index>(sum_count * at + which));
        };
        const double without_entry = std::max(moments.weight_sum - sum(weights), 0.0);
        const double zero = std::ldexp(-mean, -unit_of(at));
        const double shift = (sum(deviations) + without_entry * zero) / moments.weight_sum;
        const double square = (sum(squares) + without_entry * zero * zero) / moments.weight_sum;
        const double variance = std::max(square - shift * shift, 0.0);
        moments.standard_deviation[feature] = std::ldexp(std::sqrt(variance), unit_of(at));
        mean += std::ldexp(shift, unit_of(at));
    }
}

}  // namespace paralogit::train
