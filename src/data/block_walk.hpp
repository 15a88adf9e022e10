#pragma once

#include <functional>
#include <vector>

#include "paralogit/base/checked.hpp"
#include "paralogit/data/shard.hpp"

namespace paralogit::data {

/// How far each thread has come in its own blocks, and the calls when a block is complete.
class BlockWalk {
  public:
    /// Lives no longer than the plan. `on_block` is told the thread and the global block.
    BlockWalk(Range blocks, const ShardPlan& plan, int threads,
              std::function<void(int thread, Index block)> on_block);

    int threads() const { return narrow<int>(next_.size()); }

    /// The global rows of the blocks of a thread.
    Range rows_of(int thread) const;

    /// To be called by the thread itself: all its rows before the global row `end` are there.
    void rows_are_ready(int thread, Index end);

  private:
    const ShardPlan& plan_;
    std::function<void(int thread, Index block)> on_block_;
    std::vector<Range> blocks_;  ///< of each thread
    std::vector<Index> next_;    ///< block of each thread
};

}  // namespace paralogit::data
