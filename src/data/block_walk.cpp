#include "block_walk.hpp"

namespace paralogit::data {

BlockWalk::BlockWalk(const Shard& shard, const ShardPlan& plan, int threads,
                     const BlockReady& on_block)
    : shard_(shard), plan_(plan), on_block_(on_block) {
    for (int thread = 0; thread < threads; ++thread) {
        next_.push_back(part_of(shard.held(), thread, threads).first);
    }
}

Range BlockWalk::rows_of(int thread) const {
    const Range blocks = part_of(shard_.held(), thread, threads());
    if (blocks.size() <= 0) {
        return {};
    }
    return {.first = plan_.rows_of_block(blocks.first).first,
            .end = plan_.rows_of_block(blocks.end - 1).end};
}

void BlockWalk::rows_are_ready(int thread, Index end) {
    const Index last = part_of(shard_.held(), thread, threads()).end;
    Index& next = next_[static_cast<std::size_t>(thread)];
    while (next < last && plan_.rows_of_block(next).end <= end) {
        on_block_(thread, shard_.block(next, plan_));
        ++next;
    }
}

}  // namespace paralogit::data
