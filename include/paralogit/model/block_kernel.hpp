#pragma once

#include <span>

#include "paralogit/model/block.hpp"

namespace paralogit::model {

/// The sums of one block at one (w, b). With margin z_i = x_i.w + b and row weight s_i:
struct BlockSums {
    /// sum_i s_i slope(y_i, z_i) x_i  [d]
    Vector slopes_times_features;
    /// sum_i s_i slope(y_i, z_i)
    double slopes = 0;
    /// sum_i s_i loss(y_i, z_i)
    double loss = 0;
    /// Rows with positive weight that are not strictly on the side of their label: y = 1 needs
    /// z > 0, y = 0 needs z < 0. A soft label is on no side, so its row always counts: with none
    /// wrong, the classes are separated and the loss has no minimum.
    Index rows_wrong = 0;
    /// Scratch: margins, then slopes [b].
    Vector margins;
};

/// Reads the block once and overwrites `sums`. The declared order of operations, which any faster
/// variant must reproduce bit for bit:
///  - margin: lane l of 8 takes the features j = l mod 8 in increasing order, acc = fma(x, w, acc)
///    from 0; the lanes join as ((0+4)+(2+6)) + ((1+5)+(3+7)); then + b.
///  - each feature's sum takes the rows in increasing order, g = fma(r_i, x_ij, g) from 0, where
///    r_i = s_i * slope.
///  - slopes and loss add up r_i and s_i * loss, each rounded first, in increasing order of rows.
/// A row of weight 0 with a finite margin changes no bit.
/// A margin that is not finite makes sums that are not finite; the caller checks. Cost: 4 b d
/// flops, b d elements read.
void evaluate_block(const Block& block, std::span<const double> coefficients, double intercept,
                    BlockSums& sums);

/// Margins of the block's rows alone, by the same operations. `margins` has block.rows entries.
void block_margins(const Block& block, std::span<const double> coefficients, double intercept,
                   std::span<double> margins);

}  // namespace paralogit::model
