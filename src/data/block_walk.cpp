#include "block_walk.hpp"

#include <utility>

namespace paralogit::data {

BlockWalk::BlockWalk(Range blocks, const ShardPlan& plan, int threads,
                     std::function<void(int, Index)> on_block)
    : plan_(plan), on_block_(std::move(on_block)) {
    for (int thread = 0; thread < threads; ++thread) {
        blocks_.push_back(plan.blocks_of_thread(blocks, thread, threads));
        next_.push_back(blocks_.back().first);
    }
}

Range BlockWalk::rows_of(int thread) const {
    const Range blocks = blocks_[static_cast<std::size_t>(thread)];
    if (blocks.size() <= 0) {
        return {};
    }
    return {.first = plan_.rows_of_block(blocks.first).first,
            .end = plan_.rows_of_block(blocks.end - 1).end};
}

void BlockWalk::rows_are_ready(int thread, Index end) {
    const Index last = blocks_[static_cast<std::size_t>(thread)].end;
    Index& next = next_[static_cast<std::size_t>(thread)];
    while (next < last && plan_.rows_of_block(next).end <= end) {
        on_block_(thread, next);
        ++next;
    }
}

}  // namespace paralogit::data
