#include "paralogit/data/shard_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "paralogit/model/block.hpp"

namespace paralogit::data {
namespace {

TEST(ShardPlan, CutsTheRowsIntoBlocksOfTheSizeOfTheModel) {
    const Index size = model::rows_per_block(100);
    const ShardPlan plan(3 * size + 5);

    ASSERT_EQ(plan.blocks(), 4);
    EXPECT_EQ(plan.rows_per_block(), size);
    for (Index block = 0; block < 3; ++block) {
        EXPECT_EQ(plan.rows_of_block(block).first, block * size);
        EXPECT_EQ(plan.rows_of_block(block).end, (block + 1) * size);
    }
    EXPECT_EQ(plan.rows_of_block(3).first, 3 * size);
    EXPECT_EQ(plan.rows_of_block(3).size(), 5);
}

TEST(ShardPlan, HasNoBlockMoreWhenTheRowsFillTheLastOne) {
    const Index size = model::rows_per_block(100);

    EXPECT_EQ(ShardPlan(2 * size).blocks(), 2);
    EXPECT_EQ(ShardPlan(2 * size + 1).blocks(), 3);
    EXPECT_EQ(ShardPlan(0).blocks(), 0);
}

TEST(ShardPlan, GivesEachRowToOneRankInOrderAndBalancesToOneBlock) {
    for (const Index rows : {1, 31, 32, 1000, 1024, 123'457}) {
        for (const int ranks : {1, 2, 3, 5, 8, 64, 1000}) {
            const ShardPlan plan(rows);
            Index next_row = 0;
            Index next_block = 0;
            for (int rank = 0; rank < ranks; ++rank) {
                const Range blocks = plan.blocks_of(rank, ranks);
                const Range own = plan.rows_of(rank, ranks);
                ASSERT_EQ(blocks.first, next_block);
                ASSERT_EQ(own.first, next_row);
                ASSERT_GE(blocks.size(), plan.blocks() / ranks);
                ASSERT_LE(blocks.size(), plan.blocks() / ranks + 1);
                if (blocks.size() > 0) {
                    ASSERT_EQ(own.first, plan.rows_of_block(blocks.first).first);
                    ASSERT_EQ(own.end, plan.rows_of_block(blocks.end - 1).end);
                } else {
                    ASSERT_EQ(own.size(), 0);
                }
                next_row = own.end;
                next_block = blocks.end;
            }
            ASSERT_EQ(next_row, rows);
            ASSERT_EQ(next_block, plan.blocks());
        }
    }
}

TEST(ShardPlan, CountsBeyondThirtyTwoBits) {
    const Index rows = (Index{1} << 40) + 3;
    const ShardPlan plan(rows);

    const Range last = plan.rows_of(99'999, 100'000);

    EXPECT_EQ(plan.rows_per_block(), 1024);
    EXPECT_EQ(last.end, rows);
    EXPECT_EQ(last.first, plan.rows_of(99'998, 100'000).end);
    EXPECT_EQ(plan.rows_of_block(plan.blocks() - 1).size(), 3);
}

/// Entries before each block when block b has entries(b).
template <class Entries>
std::vector<Index> running_sum(Index blocks, const Entries& entries) {
    std::vector<Index> before{0};
    for (Index block = 0; block < blocks; ++block) {
        before.push_back(before.back() + entries(block));
    }
    return before;
}

/// That every block has one rank, in order. Returns the largest share of entries and rows together.
Index largest_share(const ShardPlan& plan, const std::vector<Index>& before, int ranks) {
    Index next = 0;
    Index largest = 0;
    for (int rank = 0; rank < ranks; ++rank) {
        const Range blocks = plan.blocks_of(rank, ranks);
        EXPECT_EQ(blocks.first, next);
        EXPECT_GE(blocks.size(), 0);
        next = blocks.end;
        largest = std::max(largest, before[static_cast<std::size_t>(blocks.end)] -
                                        before[static_cast<std::size_t>(blocks.first)] +
                                        blocks.size() * plan.rows_per_block());
    }
    EXPECT_EQ(next, plan.blocks());
    return largest;
}

TEST(ShardPlanOfSparseRows, BalancesEntriesToOneBlock) {
    const Index rows = 1'000'000;
    const Index blocks = ShardPlan(rows).blocks();
    // The later a block, the more entries.
    const auto before = running_sum(blocks, [](Index block) { return 100 * block; });
    const ShardPlan plan(rows, before);
    const Index all = before.back() + blocks * plan.rows_per_block();
    const Index largest_block = 100 * blocks + plan.rows_per_block();

    for (const int ranks : {1, 2, 3, 7, 64}) {
        EXPECT_LE(largest_share(plan, before, ranks), all / ranks + largest_block) << ranks;
    }
    EXPECT_GT(plan.blocks_of(0, 2).size(), plan.blocks_of(1, 2).size());
}

TEST(ShardPlanOfSparseRows, SpreadsRowsWithoutEntriesToo) {
    const Index rows = 100'000;
    const Index blocks = ShardPlan(rows).blocks();
    const ShardPlan plan(rows, std::vector<Index>(static_cast<std::size_t>(blocks + 1), 0));

    for (int rank = 0; rank < 4; ++rank) {
        EXPECT_NEAR(static_cast<double>(plan.blocks_of(rank, 4).size()),
                    static_cast<double>(blocks) / 4, 1);
    }
}

TEST(ShardPlanOfSparseRows, LeavesRanksWithoutRowsBesideOneGiantBlock) {
    const Index rows = 4096;
    const Index blocks = ShardPlan(rows).blocks();
    const auto before =
        running_sum(blocks, [](Index block) { return block == 3 ? Index{1} << 40 : 1; });
    const ShardPlan plan(rows, before);

    largest_share(plan, before, 8);
    int owners = 0;
    int idle = 0;
    for (int rank = 0; rank < 8; ++rank) {
        const Range own = plan.blocks_of(rank, 8);
        owners += static_cast<int>(own.first <= 3 && 3 < own.end);
        idle += static_cast<int>(own.size() == 0);
        EXPECT_EQ(plan.rows_of(rank, 8).size() == 0, own.size() == 0);
    }
    EXPECT_EQ(owners, 1);
    EXPECT_GE(idle, 5);
    largest_share(plan, before, 1000);
}

TEST(ShardPlanOfSparseRows, SharesOutThePartOfARankAmongItsThreads) {
    const Index rows = 50'000;
    const Index blocks = ShardPlan(rows).blocks();
    const auto before = running_sum(blocks, [](Index block) { return block % 7 * 1000; });
    const ShardPlan plan(rows, before);

    for (const int threads : {1, 2, 5, 500}) {
        const Range whole = plan.blocks_of(1, 3);
        Index next = whole.first;
        for (int thread = 0; thread < threads; ++thread) {
            const Range own = plan.blocks_of_thread(whole, thread, threads);
            EXPECT_EQ(own.first, next);
            EXPECT_GE(own.size(), 0);
            next = own.end;
        }
        EXPECT_EQ(next, whole.end);
    }
}

}  // namespace
}  // namespace paralogit::data
