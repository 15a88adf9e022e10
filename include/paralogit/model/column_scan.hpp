#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "paralogit/model/block.hpp"

namespace paralogit::model {

/// What the exact sums and the error messages need to know of the columns, gathered block by block
/// while the data is loaded. Each field is joined over ranks by a maximum of integers.
struct ColumnScan {
    explicit ColumnScan(Index features);

    /// Exponent e per feature with max over blocks of sum_i s_i |x_ij| < 2^(e-1): the last bit is
    /// slack for rounding, so that 2^e is above the block's computed sum_i r_i x_ij for any
    /// |r_i| <= s_i too; at least lowest_exponent.  [d]
    std::vector<std::int32_t> block_sum_exponents;
    /// Exponent e per feature with max |x_ij| < 2^e over the rows of positive weight; at least
    /// lowest_exponent.  [d]
    std::vector<std::int32_t> value_exponents;
    /// Exponent of the largest block sum of row weights, found the same way.
    std::int32_t weight_exponent;

    /// Features below 2^-900 are treated as if they were that large: what they lose lies below
    /// 2^-1000.
    static constexpr std::int32_t lowest_exponent = -900;
    /// Sums with a larger exponent, slack included, have no room in double arithmetic: the caller
    /// refuses the data. A sum that overflows gets one.
    static constexpr std::int32_t highest_exponent = 1000;

    /// Where the first value that is NaN or infinite lies.
    struct BadValue {
        Index global_row;
        Index feature;
        double value;
    };

    /// Takes the block into account. Returns the first bad value in row order, if any; the scan is
    /// then of no use. Cost: b d elements read.
    std::optional<BadValue> add(const Block& block);

    /// Takes into account what another scan saw of the same features.
    void merge(const ColumnScan& other);
};

}  // namespace paralogit::model
