#include "paralogit/data/shard_walk.hpp"

#include "feature_stream.hpp"

namespace paralogit::data {

namespace {

Range multiples_in(Range blocks, Index step) {
    const auto up = [step](Index block) { return (block + step - 1) / step; };
    return {.first = up(blocks.first), .end = up(blocks.end)};
}

}  // namespace

ShardWalk::ShardWalk(const Shard& shard, const ShardPlan& plan, Range held, int thread, int threads,
                     Index block_step)
    : shard_(&shard),
      plan_(&plan),
      block_step_(block_step),
      held_(multiples_in(plan.blocks_of_thread(held, thread, threads), block_step)),
      streamed_(
          multiples_in(plan.blocks_of_thread({.first = shard.held().end, .end = shard.blocks.end},
                                             thread, threads),
                       block_step)),
      rest_of_held_(held_),
      rest_of_streamed_(streamed_) {
    if (shard.is_sparse()) {
        // Their parts follow the entries, whether they are held or not.
        rest_of_held_ =
            multiples_in(plan.blocks_of_thread(shard.blocks, thread, threads), block_step);
        rest_of_streamed_ = {};
        sparse_walk_.emplace(shard, plan, thread, threads);
    } else if (streamed_.size() > 0) {
        ahead_ = std::make_unique<ReadAhead>(*shard.stream, thread, streamed_, block_step_);
    }
}

ShardWalk::~ShardWalk() = default;
ShardWalk::ShardWalk(ShardWalk&&) noexcept = default;
ShardWalk& ShardWalk::operator=(ShardWalk&&) noexcept = default;

/// Evenly mixed; a block that is held comes first, while the reader reads the other kind.
bool ShardWalk::is_next_held() const {
    if (rest_of_held_.size() == 0 || rest_of_streamed_.size() == 0) {
        return rest_of_held_.size() > 0;
    }
    const Index held_so_far = held_.size() - rest_of_held_.size();
    const Index streamed_so_far = streamed_.size() - rest_of_streamed_.size();
    return held_so_far * streamed_.size() <= streamed_so_far * held_.size();
}

bool ShardWalk::next_sparse() {
    if (rest_of_held_.size() <= 0) {
        return false;
    }
    number_ = rest_of_held_.first++ * block_step_;
    while (number_ >= sparse_walk_->blocks().end) {
        static_cast<void>(sparse_walk_->next());
    }
    return true;
}

bool ShardWalk::next() {
    if (sparse_walk_) {
        return next_sparse();
    }
    if (is_next_held()) {
        number_ = rest_of_held_.first++ * block_step_;
        values_ = nullptr;
        return true;
    }
    if (rest_of_streamed_.size() == 0) {
        if (ahead_ != nullptr) {
            ahead_->finish();
        }
        return false;
    }
    number_ = rest_of_streamed_.first++ * block_step_;
    values_ = ahead_->next();
    return true;
}

}  // namespace paralogit::data
