#include "paralogit/model/column_scan.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "paralogit/model/exact_sum.hpp"
#include "widen.hpp"

namespace paralogit::model {

namespace {

// Exponent above every sum of the block that is made of the same terms times factors in [-1, 1],
// whatever its roundings: they change a sum of at most 2^40 terms by far less than the bit added
// here. Beyond highest_exponent for a sum that overflowed.
std::int32_t exponent_above_sum(double sum) {
    constexpr std::int32_t overflowed = std::numeric_limits<double>::max_exponent + 1;
    return std::isfinite(sum) ? exponent_above(sum, ColumnScan::lowest_exponent - 1) + 1
                              : overflowed;
}

struct ColumnSums {
    std::vector<double> absolute;  // sum_i s_i |x_ij|  [d]
    std::vector<double> largest;   // max_i |x_ij|      [d]
    double weights = 0;
};

template <ElementType type>
ColumnSums sums_of(const Block& block) {
    const auto features = static_cast<std::size_t>(block.features);
    ColumnSums sums{std::vector<double>(features), std::vector<double>(features)};
    const Elements<type> values(block.values);
    const bool is_weighted = !block.row_weights.empty();
    for (Index i = 0; i < block.rows; ++i) {
        const Elements<type> row = values.from(i * block.features);
        const double weight = is_weighted ? block.row_weights[static_cast<std::size_t>(i)] : 1.0;
        sums.weights += weight;
        for (std::size_t j = 0; j < features; ++j) {
            const double absolute = std::fabs(row[static_cast<Index>(j)]);
            sums.absolute[j] += weight * absolute;
            // What has no weight must not widen the bounds of what has.
            sums.largest[j] = weight > 0 ? std::max(sums.largest[j], absolute) : sums.largest[j];
        }
    }
    return sums;
}

template <ElementType type>
std::optional<ColumnScan::BadValue> first_bad_value(const Block& block) {
    const Elements<type> values(block.values);
    for (Index i = 0; i < block.rows; ++i) {
        for (Index j = 0; j < block.features; ++j) {
            const double value = values[i * block.features + j];
            if (!std::isfinite(value)) {
                return ColumnScan::BadValue{block.first_global_row + i, j, value};
            }
        }
    }
    return std::nullopt;
}

}  // namespace

ColumnScan::ColumnScan(Index features)
    : block_sum_exponents(static_cast<std::size_t>(features), lowest_exponent),
      value_exponents(static_cast<std::size_t>(features), lowest_exponent),
      weight_exponent(lowest_exponent) {}

std::optional<ColumnScan::BadValue> ColumnScan::add(const Block& block) {
    return with_element_type(block.type, [&](auto type) -> std::optional<BadValue> {
        const ColumnSums sums = sums_of<type()>(block);
        // A bad value makes its sum bad whatever its row weight, 0 included; so the values
        // themselves are looked through only where a sum is bad, which may be an overflow.
        const bool is_suspect =
            !std::ranges::all_of(sums.absolute, [](double sum) { return std::isfinite(sum); });
        if (is_suspect) {
            if (const auto bad = first_bad_value<type()>(block)) {
                return bad;
            }
        }
        for (std::size_t j = 0; j < sums.absolute.size(); ++j) {
            block_sum_exponents[j] =
                std::max(block_sum_exponents[j], exponent_above_sum(sums.absolute[j]));
            value_exponents[j] =
                std::max(value_exponents[j], exponent_above(sums.largest[j], lowest_exponent));
        }
        weight_exponent = std::max(weight_exponent, exponent_above_sum(sums.weights));
        return std::nullopt;
    });
}

void ColumnScan::merge(const ColumnScan& other) {
    for (std::size_t j = 0; j < value_exponents.size(); ++j) {
        block_sum_exponents[j] = std::max(block_sum_exponents[j], other.block_sum_exponents[j]);
        value_exponents[j] = std::max(value_exponents[j], other.value_exponents[j]);
    }
    weight_exponent = std::max(weight_exponent, other.weight_exponent);
}

}  // namespace paralogit::model
