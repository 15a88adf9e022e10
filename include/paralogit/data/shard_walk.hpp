#pragma once

#include <memory>
#include <optional>

#include "paralogit/data/shard.hpp"
#include "paralogit/data/sparse_walk.hpp"

namespace paralogit::data {

class ReadAhead;

/// One thread's way through its part of the blocks of a shard:
///
///     ShardWalk walk(shard, plan, thread, threads);
///     while (walk.next()) { use(walk.block()); }
///
/// All threads together meet every block once, or every block whose number is a multiple of
/// `block_step`; no other is read. Blocks that are not held are read from their files, where they
/// have to be decoded ahead, by a thread that lives as long as the walk; they are met in turn with
/// those that are held, so that neither has to wait for the other. The order is a function of the
/// shard and of the threads.
class ShardWalk {
  public:
    /// `shard` and `plan` must outlive it. One walk at a time for each thread.
    ShardWalk(const Shard& shard, const ShardPlan& plan, int thread, int threads,
              Index block_step = 1)
        : ShardWalk(shard, plan, shard.held(), thread, threads, block_step) {}
    /// The same through the blocks alone that are not held.
    static ShardWalk of_streamed(const Shard& shard, const ShardPlan& plan, int thread,
                                 int threads) {
        return {shard, plan, {}, thread, threads, 1};
    }
    ~ShardWalk();
    ShardWalk(ShardWalk&&) noexcept;
    ShardWalk& operator=(ShardWalk&&) noexcept;

    /// Turns to the next block; false when there is none. Waits for it to be read. Throws Error
    /// (input_data) when it cannot be read, or its file is no longer what it was.
    bool next();

    /// Its global number.
    Index number() const { return number_; }
    /// A view of it, valid until the next call of next(); of sparse rows without their features.
    model::Block block() const {
        const bool is_held = values_ == nullptr && !shard_->is_sparse();
        return shard_->block(number_, *plan_,
                             is_held ? shard_->values_of(number_, *plan_) : values_);
    }
    model::SparseBlock sparse_block() const { return sparse_walk_->block(number_); }

  private:
    ShardWalk(const Shard& shard, const ShardPlan& plan, Range held, int thread, int threads,
              Index block_step);
    bool is_next_held() const;
    bool next_sparse();

    const Shard* shard_;
    const ShardPlan* plan_;
    Index block_step_;
    // As multiples of the step.
    Range held_;
    Range streamed_;
    Range rest_of_held_;
    Range rest_of_streamed_;
    std::unique_ptr<ReadAhead> ahead_;
    std::optional<SparseWalk> sparse_walk_;  ///< where the rows are sparse
    Index number_ = -1;
    const std::byte* values_ = nullptr;  ///< of a block that is not held
};

}  // namespace paralogit::data
