#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "paralogit/base/threads.hpp"
#include "paralogit/model/block.hpp"

namespace paralogit::train {

/// Which rows a thinning t leaves: every row_step-th row of every block_step-th block, with
/// row_step block_step = t. Blocks keep a hundred rows or more, for what is done once for a block,
/// such as the exact sums of a Hessian, would else cost more than the rows.
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

/// The rows 0, t, 2t, ... of blocks, with labels and weights, side by side as a kernel needs them.
class ThinnedBlock {
  public:
    /// The block itself where the thinning is 1; else a copy that lasts until the next call.
    const model::Block& of(const model::Block& block, Index thinning) {
        thinned_ = block;
        if (thinning == 1) {
            return thinned_;
        }
        const std::size_t row_bytes =
            static_cast<std::size_t>(block.features) * size_of(block.type);
        thinned_.rows = (block.rows + thinning - 1) / thinning;
        const auto rows = static_cast<std::size_t>(thinned_.rows);
        const auto step = static_cast<std::size_t>(thinning);
        values_.resize(rows * row_bytes);
        hard_labels_.clear();
        soft_labels_.clear();
        row_weights_.clear();
        for (std::size_t i = 0; i < rows; ++i) {
            std::memcpy(values_.data() + i * row_bytes, block.values + i * step * row_bytes,
                        row_bytes);
            if (block.labels.hard() != nullptr) {
                hard_labels_.push_back(block.labels.hard()[i * step]);
            } else {
                soft_labels_.push_back(block.labels[i * step]);
            }
            if (!block.row_weights.empty()) {
                row_weights_.push_back(block.row_weights[i * step]);
            }
        }
        thinned_.values = values_.data();
        thinned_.labels = block.labels.hard() != nullptr
                              ? model::LabelView(std::span<const std::uint8_t>(hard_labels_))
                              : model::LabelView(std::span<const double>(soft_labels_));
        thinned_.row_weights = row_weights_;
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
