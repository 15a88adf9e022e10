#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "paralogit/base/threads.hpp"
#include "paralogit/model/block.hpp"
#include "paralogit/model/thinned_rows.hpp"

namespace paralogit::train {

/// Which rows a thinning t leaves: one of each row_step neighbours (model::ThinnedRows) in every
/// block_step-th block, with row_step block_step = t. Blocks keep a hundred rows or more, for what
/// is done once for a block, such as the exact sums of a Hessian, would else cost more than the
/// rows.
struct Thinning {
    Index row_step;
    Index block_step;

    /// `thinning` and rows_per_block are powers of two, thinning <= rows_per_block.
    static Thinning of(Index thinning, Index rows_per_block) {
        constexpr Index rows_wanted = 128;
        const Index row_step = std::min(thinning, std::max<Index>(rows_per_block / rows_wanted, 1));
        return {.row_step = row_step, .block_step = thinning / row_step};
    }

    bool leave_all() const { return row_step == 1 && block_step == 1; }

    /// The blocks k block_step among `blocks`, for k in the range that is returned.
    Range multiples_in(Range blocks) const {
        const auto up = [this](Index block) { return (block + block_step - 1) / block_step; };
        return {.first = up(blocks.first), .end = up(blocks.end)};
    }
};

/// The rows that a thinning leaves of blocks, with labels and weights, side by side as a kernel
/// needs them.
class ThinnedBlock {
  public:
    /// The block itself where the thinning is 1; else a copy that lasts until the next call.
    const model::Block& of(const model::Block& block, Index thinning) {
        thinned_ = block;
        if (thinning == 1) {
            return thinned_;
        }
        const model::ThinnedRows rows(block.first_global_row, block.rows, thinning);
        thinned_.rows = rows.size();
        model::copy_rows(block, rows, values_);
        thinned_.values = values_.data();
        if (block.labels.hard() != nullptr) {
            rows.take(std::span(block.labels.hard(), block.labels.size()), hard_labels_);
            thinned_.labels = std::span<const std::uint8_t>(hard_labels_);
        } else {
            rows.take(std::span(block.labels.soft(), block.labels.size()), soft_labels_);
            thinned_.labels = std::span<const double>(soft_labels_);
        }
        if (!block.row_weights.empty()) {
            rows.take(block.row_weights, row_weights_);
            thinned_.row_weights = row_weights_;
        }
        return thinned_;
    }

  private:
    model::Block thinned_{};
    std::vector<std::byte> values_;
    std::vector<std::uint8_t> hard_labels_;
    std::vector<double> soft_labels_;
    std::vector<double> row_weights_;
};

/// The sum of the row weights, in increasing order.
inline double weight_of(const model::Block& block) {
    double sum = 0;
    for (const double weight : block.row_weights) {
        sum += weight;
    }
    return block.row_weights.empty() ? static_cast<double>(block.rows) : sum;
}

}  // namespace paralogit::train
