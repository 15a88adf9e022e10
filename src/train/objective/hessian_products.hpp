#pragma once

#include <optional>
#include <span>
#include <vector>

#include "paralogit/model/block_kernel.hpp"
#include "paralogit/model/exact_sum.hpp"
#include "paralogit/train/data_set.hpp"
#include "thinned_block.hpp"

namespace paralogit::train {

/// This rank's part of Hessian products and diagonals, in the loss's unit of curvatures. Keeps the
/// curvatures of its rows at the last point, 8 bytes a row, so that the products of one conjugate
/// gradient run compute them once; and for each thread the sums, 56 bytes a feature.
class HessianProducts {
  public:
    /// `data` must outlive this.
    HessianProducts(const DataSet& data, bool has_intercept, model::Loss loss);

    /// Where the next products and diagonals are taken. Cost: a pass over the chosen rows, nothing
    /// when the bits are those of the last call.
    void go_to(const Vector& parameters, Index thinning);

    /// Sums up, over this rank's chosen rows, curvature times direction times features; for the
    /// intercept likewise; and the row weights. |x.direction| <= 1 for every row. False when a sum
    /// is not finite.
    bool multiply(const Vector& direction);

    /// Sums up curvature times ((x_j - centre_j) unit_j)^2, |(x_j - centre_j) unit_j| <= 1; the
    /// curvatures; and the row weights. False when a sum is not finite.
    bool add_squares(const Vector& centre, const Vector& unit);

    /// Of the last call: [d] features, intercept, row weights. To be summed over ranks in place.
    std::span<std::int64_t> limbs() { return last_->front().limbs(); }
    static std::size_t limbs_of(Index features) {
        return static_cast<std::size_t>(2 * features + 4);
    }
    double value(Index index) const { return last_->front().value(index); }
    double weight_sum() const { return value(data_.manifest.features + 1); }

  private:
    using Sums = std::vector<model::ExactSums>;

    /// What a thread keeps from block to block.
    struct Working {
        ThinnedBlock thinned;
        model::BlockSums products;
        model::DiagonalSums diagonal;
    };

    std::span<double> curvatures_of(Index multiple);
    /// Calls action(thread, multiple, block) for the chosen blocks, each on a thread of its own.
    template <typename Action>
    void for_each_block(const Action& action);
    /// Zeroes the sums, lets action(thread, multiple, block) add to them, and joins those of the
    /// threads; false when it returned so.
    template <typename Action>
    bool sum_up(Sums& sums, const Action& action);

    const DataSet& data_;
    bool has_intercept_;
    model::Loss loss_;
    std::optional<Vector> parameters_;  ///< where the curvatures are taken; empty at first
    Index thinning_ = 0;
    Thinning rows_{.row_step = 1, .block_step = 1};
    std::vector<double> curvatures_;  ///< of the chosen rows, the blocks in order
    std::vector<Working> working_;
    Sums products_;  ///< for each thread
    Sums squares_;   ///< for each thread, while there is a diagonal
    Sums* last_ = nullptr;
};

}  // namespace paralogit::train
