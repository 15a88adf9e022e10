#pragma once

#include <vector>

#include "paralogit/base/checked.hpp"
#include "paralogit/data/shard.hpp"

namespace paralogit::data {

/// How far each thread has come in its own blocks, and the calls when a block is complete.
class BlockWalk {
  public:
    /// Lives no longer than its arguments.
    BlockWalk(const Shard& shard, const ShardPlan& plan, int threads, const BlockReady& on_block);

    int threads() const { return narrow<int>(next_.size()); }

    /// The global rows of the blocks of a thread.
    Range rows_of(int thread) const;

    /// To be called by the thread itself: all its rows before the global row `end` are there.
    void rows_are_ready(int thread, Index end);

  private:
    const Shard& shard_;
    const ShardPlan& plan_;
    const BlockReady& on_block_;
    std::vector<Index> next_;  ///< block of each thread
};

}  // namespace paralogit::data
