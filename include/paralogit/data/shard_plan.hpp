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

    /// Some of the rows of one rank, which owns `blocks`: as many blocks as the whole has, and each
    /// with those of its rows that are left. The rows are counted from 0; `first_rows` has the
    /// first one of each of the rank's blocks, and then their number. The blocks of other ranks are
    /// unknown.
    static ShardPlan of_some_rows(const ShardPlan& whole, Range blocks,
                                  std::vector<Index> first_rows);

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
    Index first_own_block_ = 0;      ///< of some rows
    std::vector<Index> first_rows_;  ///< of some rows; else empty
};

}  // namespace paralogit::data
