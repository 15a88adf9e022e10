#include "paralogit/data/shard_plan.hpp"

#include <algorithm>
#include <utility>

#include "paralogit/model/block.hpp"

namespace paralogit::data {

ShardPlan::ShardPlan(Index rows)
    : rows_(rows),
      rows_per_block_(model::rows_per_block(rows)),
      blocks_(rows / rows_per_block_ + (rows % rows_per_block_ == 0 ? 0 : 1)) {}

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
    return part_of({.first = 0, .end = blocks_}, rank, ranks);
}

Range ShardPlan::rows_of(int rank, int ranks) const {
    const Range blocks = blocks_of(rank, ranks);
    return {.first = std::min(blocks.first * rows_per_block_, rows_),
            .end = std::min(blocks.end * rows_per_block_, rows_)};
}

}  // namespace paralogit::data
