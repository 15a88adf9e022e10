#pragma once

#include <span>
#include <vector>

#include "paralogit/model/block.hpp"
#include "paralogit/model/isa.hpp"
#include "paralogit/model/loss.hpp"

namespace paralogit::model {

/// The sums of one block at one (w, b). With margin z_i = x_i.w + b and row weight s_i, slopes in
/// the unit of the loss:
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
    /// Working memory, kept from block to block.
    std::vector<double> scratch;
};

/// Reads the block once and overwrites `sums`. The declared order of operations, which every
/// instruction set follows bit for bit:
///  - margin: lane l of 8 takes the features j = l mod 8 in increasing order, acc = fma(x, w, acc)
///    from 0; the lanes join as ((0+4)+(2+6)) + ((1+5)+(3+7)); then + b.
///  - each feature's sum takes the rows in increasing order, g = fma(r_i, x_ij, g) from 0, where
///    r_i = s_i * slope.
///  - slopes: lane l of 8 takes the rows i = l mod 8 in increasing order; the lanes join as above.
///  - loss = sum s_i (against_i |z_i|) + sum s_i log(1 + u_i), u_i = e^-|z_i| and `against` the
///    weight of the label on the other side (see loss.hpp). The first sum goes by lanes as slopes
///    do, with fma; in the second, the rows with the block's largest weight go into a product per
///    lane, p = (1 + p)(1 + u) - 1 as fma(p, u, p + u), whose logarithm is taken, and weighted,
///    once per 2048 rows; it keeps the digits of rows that are far on their own side. Other weights
///    but 0 take a logarithm and an fma for each row.
/// Of a focal loss the sum goes by lanes with an fma for each row.
/// A row of weight 0 changes no bit, whatever its margin.
/// A margin that is not finite makes sums that are not finite; the caller checks. Cost: 4 b d
/// flops, b d elements read.
void evaluate_block(const Block& block, std::span<const double> coefficients, double intercept,
                    BlockSums& sums, Isa isa = best_isa(), const Loss& loss = Loss());

/// Margins of the block's rows alone, by the same operations. `margins` has block.rows entries.
void block_margins(const Block& block, std::span<const double> coefficients, double intercept,
                   std::span<double> margins, Isa isa = best_isa());

/// The curvatures c_i = s_i p_i (1 - p_i) of the block's rows, from their margins; of a focal loss
/// the positive part of s_i times the second derivative, in the unit of the loss: a Hessian of
/// these is never indefinite. `curvatures` has block.rows entries; `scratch` is working memory,
/// kept from block to block.
void block_curvatures(const Block& block, std::span<const double> coefficients, double intercept,
                      std::span<double> curvatures, std::vector<double>& scratch,
                      Isa isa = best_isa(), const Loss& loss = Loss());

/// The Hessian of the block's loss times a direction (v, v0): sums.slopes_times_features is
/// sum_i c_i q_i x_i and sums.slopes is sum_i c_i q_i, with q_i = x_i.v + v0; the rest of `sums` is
/// left alone. The order of operations is that of evaluate_block. Cost: 4 b d flops, b d elements
/// read.
void multiply_block_hessian(const Block& block, std::span<const double> curvatures,
                            std::span<const double> direction, double intercept_direction,
                            BlockSums& sums, Isa isa = best_isa());

/// The diagonal of a block's Hessian, and working memory, kept from block to block.
struct DiagonalSums {
    Vector squares;  ///< sum_i c_i ((x_ij - centre_j) unit_j)^2  [d]
    std::vector<double> of_scan;
    std::vector<double> by_row;
    std::vector<double> scratch;
};

/// Overwrites sums.squares, the rows in increasing order; `unit` are powers of two. A row without
/// curvature changes no bit. Cost: that of scanning the block.
void block_hessian_diagonal(const Block& block, std::span<const double> curvatures,
                            const Vector& centre, const Vector& unit, DiagonalSums& sums,
                            Isa isa = best_isa());

}  // namespace paralogit::model
