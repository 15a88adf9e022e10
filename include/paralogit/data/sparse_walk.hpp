#pragma once

#include <memory>

#include "paralogit/data/shard.hpp"

namespace paralogit::data {

/// One thread's way through its part of the blocks of sparse rows, some blocks at a time:
///
///     SparseWalk walk(shard, plan, thread, threads);
///     while (walk.next()) {
///         for (Index k = walk.blocks().first; k < walk.blocks().end; ++k) { use(walk.block(k)); }
///     }
///
/// What is held in memory is there at once. Else some blocks are read from the files while those
/// before are computed on.
class SparseWalk {
  public:
    /// `shard` and `plan` must outlive it.
    SparseWalk(const Shard& shard, const ShardPlan& plan, int thread, int threads);
    ~SparseWalk();
    SparseWalk(SparseWalk&&) noexcept;
    SparseWalk& operator=(SparseWalk&&) noexcept;

    /// Turns to the next blocks; false when there are none. Waits for them to be read. Throws Error
    /// (input_data) when they cannot be read, or their file is no longer what it was.
    bool next();

    /// Global; of these alone there are views, until the next call of next(). Any thread.
    Range blocks() const { return blocks_; }
    model::SparseBlock block(Index number) const;
    /// Without the entries of lone features, which are set apart.
    model::SparseBlock shared_block(Index number) const;

  private:
    class Ahead;

    const Shard* shard_;
    const ShardPlan* plan_;
    Range blocks_;
    Range rest_;
    std::unique_ptr<Ahead> ahead_;  ///< null when all is held
};

}  // namespace paralogit::data
