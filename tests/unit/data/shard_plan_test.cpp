#include "paralogit/data/shard_plan.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace paralogit::data
