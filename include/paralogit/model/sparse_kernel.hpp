#pragma once

#include <span>

#include "paralogit/model/isa.hpp"
#include "paralogit/model/loss.hpp"
#include "paralogit/model/scattered_sums.hpp"
#include "paralogit/model/sparse_block.hpp"

namespace paralogit::model {

/// The sums of a block of sparse rows that are not over features, as in BlockSums.
struct SparseBlockSums {
    double slopes = 0;
    double loss = 0;
    Index rows_wrong = 0;
};

/// What evaluate_block (block_kernel.hpp) is for dense rows. The declared order of operations,
/// which every instruction set follows bit for bit:
///  - margin: lane l of 8 takes the row's entries k = l mod 8, counted from 0 by place in the row,
///    acc = fma(x, w, acc) from 0; the lanes join as ((0+4)+(2+6)) + ((1+5)+(3+7)); then + b.
///  - the slopes, their sum, and the loss as for dense rows.
///  - each entry's product r_i * x_ij, r_i = s_i * slope, rounded, goes to `target` by itself, in
///    any order, unless that is null.
/// `factors` [rows] becomes the r_i. Returns false when an entry's product is not finite or exceeds
/// its bound: the sums are then of no use. A row of weight 0 changes no bit. Cost: reads the
/// entries once; nothing of the size of all features.
///
/// With `give` [rows], of BCE alone, a row's margin gives way to its slope: what counts is
/// m = z - give_i r_i with the slope at m, which is no step away from where the loss and
/// (m - z)^2 / (2 give_i) together are least. Features that no other row has do that, at their best
/// for whatever the others say.
[[nodiscard]] bool evaluate_block(const SparseBlock& block, std::span<const double> coefficients,
                                  double intercept, ScatteredSums* target,
                                  std::span<double> factors, SparseBlockSums& sums,
                                  Isa isa = best_isa(), const Loss& loss = Loss(),
                                  std::span<const double> give = {});

/// Margins of the block's rows alone, by the same operations.  [rows]
void block_margins(const SparseBlock& block, std::span<const double> coefficients, double intercept,
                   std::span<double> margins, Isa isa = best_isa());

/// The curvatures of the block's rows, as of dense ones.  [rows]
void block_curvatures(const SparseBlock& block, std::span<const double> coefficients,
                      double intercept, std::span<double> curvatures, Isa isa = best_isa(),
                      const Loss& loss = Loss());

/// The block's Hessian times a direction (v, v0), over the rows that a thinning leaves
/// (ThinnedRows): the factors c_i q_i unit, q_i = x_i.v + v0, times entries go to `target`, unless
/// it is null; their sum is sums.slopes. `unit` is a power of two with |q_i| unit <= 4, so that the
/// bounds of slopes do. `curvatures` are of all rows, as block_curvatures gives them. `factors`
/// [rows] becomes the factors, in the first (rows + t - 1) / t places. Returns what evaluate_block
/// does.
[[nodiscard]] bool multiply_block_hessian(const SparseBlock& block, Index thinning,
                                          std::span<const double> curvatures,
                                          std::span<const double> direction,
                                          double intercept_direction, double unit,
                                          ScatteredSums* target, std::span<double> factors,
                                          SparseBlockSums& sums, Isa isa = best_isa());

/// Adds factors times entries of the rows that a thinning leaves to the sums of a range of
/// features; threads may each take a range of their own. Returns what evaluate_block does.
[[nodiscard]] bool scatter_block(const SparseBlock& block, Index thinning,
                                 std::span<const double> factors, Range features,
                                 ScatteredSums& target, Isa isa = best_isa());

/// The same of factors times (x_ij 2^-units[j])^2, of all rows.
[[nodiscard]] bool scatter_squares(const SparseBlock& block, std::span<const double> factors,
                                   std::span<const std::int16_t> units, Range features,
                                   ScatteredSums& target, Isa isa = best_isa());

}  // namespace paralogit::model
