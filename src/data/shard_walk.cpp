#include "paralogit/data/shard_walk.hpp"

#include "feature_stream.hpp"

namespace paralogit::data {

ShardWalk::ShardWalk(const Shard& shard, const ShardPlan& plan, Range held, int thread, int threads)
    : shard_(&shard),
      plan_(&plan),
      held_(plan.blocks_of_thread(held, thread, threads)),
      streamed_(plan.blocks_of_thread({.first = shard.held().end, .end = shard.blocks.end}, thread,
                                      threads)),
      rest_of_held_(held_),
      rest_of_streamed_(streamed_) {
    if (streamed_.size() > 0) {
        ahead_ = std::make_unique<ReadAhead>(*shard.stream, thread, streamed_);
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

bool ShardWalk::next() {
    if (is_next_held()) {
        number_ = rest_of_held_.first++;
        values_ = shard_->values_of(number_, *plan_);
        return true;
    }
    if (rest_of_streamed_.size() == 0) {
        return false;
    }
    number_ = rest_of_streamed_.first++;
    values_ = ahead_->next();
    return true;
}

}  // namespace paralogit::data
