#pragma once

#include <cstdint>
#include <span>

#include "paralogit/model/block.hpp"

namespace paralogit::model {

/// Sums of one block that standardisation and the fingerprint of the data are made of. `origin` c
/// is a value of each column, such as its mean: differences from it do not cancel where squares
/// would. Rows of weight 0 are left out. The squares are in units of 4^e_j, e_j the exponent of the
/// feature's values (ColumnScan::value_exponents), so that they neither overflow nor vanish.
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

/// A hash of the rows and of their place in the data set: label, row weight and features as
/// doubles, with -0 as 0. Modulo 2^64 the hashes of all blocks add up to the same sum however the
/// rows are spread and stored. Cost: b d elements read.
std::uint64_t block_hash(const Block& block);

/// The values of one row, widened to double: exactly, but for integers beyond 2^53, which are
/// rounded.
void widen_row(ElementType type, const std::byte* values, std::span<double> row);

}  // namespace paralogit::model
