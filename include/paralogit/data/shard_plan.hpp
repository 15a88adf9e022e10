#pragma once

#include <vector>

#include "paralogit/base/threads.hpp"
#include "paralogit/base/types.hpp"

namespace paralogit::data {

using paralogit::Range;

/// Blocks are fixed ranges of global rows, a function of the data alone; a rank owns a contiguous
/// range of blocks, possibly empty: balanced to one block by rows, or by entries when the rows are
/// sparse.
class ShardPlan {
  public:
    explicit ShardPlan(Index rows);
    /// Of sparse rows; the entries of all rows before a block, and of all in the end  [blocks + 1].
    ShardPlan(Index rows, std::vector<Index> entries_before_block);

    Index blocks() const { return blocks_; }
    Index rows_per_block() const { return rows_per_block_; }

    Range rows_of_block(Index block) const;
    Range blocks_of(int rank, int ranks) const;
    /// A part of some blocks for each of some threads, balanced in the same way.
    Range blocks_of_thread(Range blocks, int thread, int threads) const;
    Range rows_of(int rank, int ranks) const;

  private:
    Index rows_;
    Index rows_per_block_;
    Index blocks_;
    std::vector<Index> entries_before_block_;  ///< empty when the rows are dense
};

}  // namespace paralogit::data
