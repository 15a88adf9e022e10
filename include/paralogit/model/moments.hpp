#pragma once

#include <cstdint>
#include <span>

#include "paralogit/model/block.hpp"

namespace paralogit::model {

/// Sums of one block that standardisation and the fingerprint of the data are made of. `origin` c
/// is the first row of the data set: differences from a value of the column itself do not cancel
/// where squares would. The squares are in units of 4^e_j, e_j the exponent of the feature's values
/// (ColumnScan::value_exponents), so that they neither overflow nor vanish.
struct BlockMoments {
    Vector deviations;           ///< sum_i s_i (x_ij - c_j)            [d]
    Vector squared_deviations;   ///< sum_i s_i ((x_ij - c_j) / 2^e_j)^2 [d]
    Vector label_deviations;     ///< sum_i s_i (y_i - 1/2) (x_ij - c_j) [d]
    double weights = 0;          ///< sum_i s_i
    double weighted_labels = 0;  ///< sum_i s_i y_i
};

/// Overwrites `moments`. Rows in increasing order; with t = x_ij - c_j rounded, the sums over
/// features are fma(s, t, .), fma(s t', t', .) with t' = t / 2^e_j, and fma(s (y - 1/2), t, .).
/// Cost: b d elements read.
void block_moments(const Block& block, std::span<const double> origin,
                   std::span<const std::int32_t> exponents, BlockMoments& moments);

/// The values of one row, widened to double: exactly, but for integers beyond 2^53, which are
/// rounded.
void widen_row(ElementType type, const std::byte* values, std::span<double> row);

}  // namespace paralogit::model
