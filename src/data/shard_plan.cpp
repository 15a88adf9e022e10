#include "paralogit/data/shard_plan.hpp"

#include <algorithm>
#include <utility>

#include "paralogit/model/block.hpp"

namespace paralogit::data {

ShardPlan::ShardPlan(Index rows)
    : rows_(rows),
      rows_per_block_(model::rows_per_block(rows)),
      blocks_(rows / rows_per_block_ + (rows % rows_per_block_ == 0 ? 0 : 1)) {}

ShardPlan::ShardPlan(Index rows, std::vector<Index> entries_before_block) : ShardPlan(rows) {
    entries_before_block_ = std::move(entries_before_block);
}

ShardPlan ShardPlan::of_some_rows(const ShardPlan& whole, Range blocks,
                                  std::vector<Index> first_rows) {
    ShardPlan plan = whole;
    plan.rows_ = first_rows.back();
    plan.first_own_block_ = blocks.first;
    plan.first_rows_ = std::move(first_rows);
    return plan;
}

Range ShardPlan::rows_of_block(Index block) const {
    if (!first_rows_.empty()) {
        const auto at = static_cast<std::size_t>(block - first_own_block_);
        return {.first = first_rows_.at(at), .end = first_rows_.at(at + 1)};
    }
    const Index first = block * rows_per_block_;
    return {.first = first, .end = first + std::min(rows_per_block_, rows_ - first)};
}

Range ShardPlan::blocks_of(int rank, int ranks) const {
    return blocks_of_thread({.first = 0, .end = blocks_}, rank, ranks);
}

Range ShardPlan::blocks_of_thread(Range blocks, int thread, int threads) const {
    if (entries_before_block_.empty() || blocks.size() <= 0) {
        return part_of(blocks, thread, threads);
    }
    // A block counts for its rows as well, so that rows without entries are spread too.
    const auto cost_before = [&](Index block) {
        return entries_before_block_[static_cast<std::size_t>(block)] + block * rows_per_block_;
    };
    const Range cost{.first = cost_before(blocks.first), .end = cost_before(blocks.end)};
    const auto block_at = [&](Index wanted) {
        Index low = blocks.first;
        Index high = blocks.end;
        while (low < high) {
            const Index middle = low + (high - low) / 2;
            if (cost_before(middle) < wanted) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    };
    const Range part = part_of(cost, thread, threads);
    return {.first = thread == 0 ? blocks.first : block_at(part.first),
            .end = thread == threads - 1 ? blocks.end : block_at(part.end)};
}

Range ShardPlan::rows_of(int rank, int ranks) const {
    const Range blocks = blocks_of(rank, ranks);
    return {.first = std::min(blocks.first * rows_per_block_, rows_),
            .end = std::min(blocks.end * rows_per_block_, rows_)};
}

}  // namespace paralogit::data
