#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "paralogit/base/types.hpp"

namespace paralogit::model {

/// A view of labels y in [0, 1]: a byte each when all are 0 or 1, else a double each.
class LabelView {
  public:
    LabelView() = default;
    LabelView(std::span<const std::uint8_t> hard) : hard_(hard.data()), size_(hard.size()) {}
    LabelView(std::span<const double> soft) : soft_(soft.data()), size_(soft.size()) {}

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    double operator[](std::size_t i) const {
        return hard_ != nullptr ? static_cast<double>(hard_[i]) : soft_[i];
    }

    LabelView subview(std::size_t first, std::size_t count) const {
        LabelView part;
        part.hard_ = hard_ == nullptr ? nullptr : hard_ + first;
        part.soft_ = soft_ == nullptr ? nullptr : soft_ + first;
        part.size_ = count;
        return part;
    }

    /// The labels themselves; null when they are held in the other form.
    const std::uint8_t* hard() const { return hard_; }
    const double* soft() const { return soft_; }

  private:
    const std::uint8_t* hard_ = nullptr;
    const double* soft_ = nullptr;
    std::size_t size_ = 0;
};

/// A view of consecutive rows: X [b x d] row-major in its stored type and of any alignment, finite;
/// labels [b], row weights [b] or empty when every weight is 1. Owns nothing.
struct Block {
    ElementType type;
    const std::byte* values;
    Index rows;
    Index features;
    LabelView labels;
    std::span<const double> row_weights;
    Index first_global_row;
};

/// Rows of a block of a data set of so many: a power of two, large enough that what is done once
/// for a block costs little, small enough that there are some hundred blocks to spread over ranks
/// and threads. A function of the number of rows alone: neither ranks nor files nor the stored type
/// may enter, for the blocks fix the bits of the result.
inline Index rows_per_block(Index rows) {
    constexpr Index blocks_wanted = 256;
    const auto power =
        std::bit_floor(static_cast<std::uint64_t>(std::max<Index>(rows / blocks_wanted, 1)));
    return std::clamp<Index>(static_cast<Index>(power), 32, 1024);
}

}  // namespace paralogit::model
