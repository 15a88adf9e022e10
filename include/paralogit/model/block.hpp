#pragma once

#include <algorithm>
#include <bit>
#include <span>

#include "paralogit/base/types.hpp"

namespace paralogit::model {

/// A view of consecutive rows: X [b x d] row-major in its stored type, labels [b], row weights [b]
/// or empty when every weight is 1. Owns nothing.
struct Block {
    ElementType type;
    const std::byte* values;
    Index rows;
    Index features;
    std::span<const double> labels;
    std::span<const double> row_weights;
    Index first_global_row;
};

/// Rows of a block: a power of two that keeps a block in a core's cache, as a function of the
/// number of features alone. Neither ranks nor files nor the stored type may enter, for the blocks
/// fix the bits of the result.
inline Index rows_per_block(Index features) {
    constexpr Index values_in_cache = Index{1} << 16;
    const Index rows = values_in_cache / std::max<Index>(features, 1);
    const auto power = std::bit_floor(static_cast<std::uint64_t>(std::max<Index>(rows, 1)));
    return std::clamp<Index>(static_cast<Index>(power), 32, 1024);
}

}  // namespace paralogit::model
