#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "paralogit/model/block.hpp"

namespace paralogit::train {

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
