#pragma once

#include <algorithm>
#include <cstddef>

#include "paralogit/base/types.hpp"

namespace paralogit::model {

/// Rows that lie far apart, which the machine does not foresee: whoever reads one of them asks for
/// a later one to come into the cache.
class StridedRows {
  public:
    StridedRows(const std::byte* first, std::size_t stride, Index rows)
        : first_(first), stride_(stride), rows_(rows) {}

    /// No more than the beginning of a long row: its rest the machine foresees.
    void prefetch_ahead_of(Index row, std::size_t row_bytes) const {
        constexpr Index rows_ahead = 6;
        constexpr std::size_t line_bytes = 64;
        constexpr std::size_t most_bytes = 512;
        if (row + rows_ahead >= rows_) {
            return;
        }
        const std::byte* const begin =
            first_ + static_cast<std::size_t>(row + rows_ahead) * stride_;
        for (std::size_t at = 0; at < std::min(row_bytes, most_bytes); at += line_bytes) {
            __builtin_prefetch(begin + at);
        }
    }

  private:
    const std::byte* first_;
    std::size_t stride_;
    Index rows_;
};

}  // namespace paralogit::model
