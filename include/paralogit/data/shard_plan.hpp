#pragma once

#include "paralogit/base/threads.hpp"
#include "paralogit/base/types.hpp"

namespace paralogit::data {

using paralogit::Range;

/// Blocks are fixed ranges of global rows, a function of the data alone; a rank owns a contiguous
/// range of blocks, balanced to one block, possibly empty.
class ShardPlan {
  public:
    explicit ShardPlan(Index rows);

    Index blocks() const { return blocks_; }
    Index rows_per_block() const { return rows_per_block_; }

    Range rows_of_block(Index block) const;
    Range blocks_of(int rank, int ranks) const;
    Range rows_of(int rank, int ranks) const;

  private:
    Index rows_;
    Index rows_per_block_;
    Index blocks_;
};

}  // namespace paralogit::data
