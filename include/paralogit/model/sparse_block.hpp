#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "paralogit/base/types.hpp"
#include "paralogit/model/block.hpp"

namespace paralogit::model {

/// A view of consecutive rows in compressed sparse rows: row i has the entries [offsets[i],
/// offsets[i + 1]) of `values` and `indices`; what has no entry is 0. The indices of a row rise
/// strictly and lie in [0, features). Owns nothing.
struct SparseBlock {
    ElementType type;
    const std::byte* values;   ///< in their stored type and of any alignment, finite
    const std::byte* indices;  ///< 32 bits each, of any alignment
    /// Row i has the entries [offsets[step i], offsets[step i + 1]), counted from `values` and
    /// `indices`, so the first one need not be 0.  [rows + 1, or 2 rows with a step of 2]
    std::span<const Index> offsets;
    Index rows;
    Index features;
    LabelView labels;
    std::span<const double> row_weights;
    Index first_global_row;
    Index step = 1;

    /// Of a step of 1.
    Index entries() const { return offsets[static_cast<std::size_t>(rows)] - offsets[0]; }
};

/// What 32 bits can count; more features than that have no vector of doubles anyway.
constexpr Index most_sparse_features = Index{1} << 32U;

}  // namespace paralogit::model
