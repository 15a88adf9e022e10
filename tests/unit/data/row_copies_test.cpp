#include "paralogit/data/row_copies.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

namespace paralogit::data {
namespace {

using testing::ElementsAre;

constexpr Index features = 3;

/// The shard of the second of two ranks; value (i, j) is 10 i + j.
struct SecondRank {
    SecondRank() : plan(500) {
        shard.type = ElementType::float32;
        shard.features = features;
        shard.blocks = plan.blocks_of(1, 2);
        shard.rows = plan.rows_of(1, 2);
        Buffer buffer(shard.rows.size() * features * 4);
        auto* out = reinterpret_cast<float*>(buffer.data());
        std::vector<std::uint8_t> labels;
        for (Index row = shard.rows.first; row < shard.rows.end; ++row) {
            for (Index j = 0; j < features; ++j) {
                *out++ = static_cast<float>(10 * row + j);
            }
            labels.push_back(row % 3 == 0 ? 1 : 0);
            shard.row_weights.push_back(static_cast<double>(row));
        }
        shard.values = Values(std::move(buffer));
        shard.labels = Labels(std::move(labels));
    }

    ShardPlan plan;
    Shard shard;
};

/// Of a shard that is held.
SomeRows copy_rows(const Shard& shard, const ShardPlan& plan, const std::vector<Index>& rows) {
    RowCopies copies(shard, plan, rows, false);
    for (Index k = shard.blocks.end; k-- > shard.blocks.first;) {
        copies.take(shard.block(k, plan));
    }
    return copies.finish(shard, 1);
}

float value(const model::Block& block, Index row, Index feature) {
    float result = 0;
    std::memcpy(&result, block.values + (row * block.features + feature) * 4, sizeof result);
    return result;
}

TEST(RowCopies, KeepEachRowInItsBlock) {
    const SecondRank rank;
    const Index size = rank.plan.rows_per_block();
    const Index first = rank.shard.rows.first;
    ASSERT_GE(rank.shard.blocks.size(), 3);
    // One row of the first block, none of the second, two of the third.
    const std::vector<Index> rows{first + 1, first + 2 * size, first + 3 * size - 1};

    const SomeRows some = copy_rows(rank.shard, rank.plan, rows);

    EXPECT_EQ(some.plan.blocks(), rank.plan.blocks());
    EXPECT_EQ(some.shard.blocks.first, rank.shard.blocks.first);
    EXPECT_EQ(some.shard.blocks.end, rank.shard.blocks.end);
    std::vector<Index> found;
    for (Index k = some.shard.blocks.first; k < some.shard.blocks.end; ++k) {
        const model::Block block = some.shard.block(k, some.plan);
        for (Index i = 0; i < block.rows; ++i) {
            const auto row = static_cast<Index>(value(block, i, 0)) / 10;
            const auto at = static_cast<std::size_t>(i);
            found.push_back(row);
            EXPECT_EQ(value(block, i, 2), static_cast<float>(10 * row + 2));
            EXPECT_EQ(block.labels[at], row % 3 == 0 ? 1.0 : 0.0);
            EXPECT_EQ(block.row_weights[at], static_cast<double>(row));
            EXPECT_GE(row, rank.plan.rows_of_block(k).first);
            EXPECT_LT(row, rank.plan.rows_of_block(k).end);
        }
    }
    EXPECT_EQ(found, rows);
}

TEST(RowCopies, KeepSoftLabelsAndTheLackOfRowWeights) {
    SecondRank rank;
    std::vector<double> soft(static_cast<std::size_t>(rank.shard.rows.size()));
    std::iota(soft.begin(), soft.end(), 0.0);
    rank.shard.labels = Labels(soft);
    rank.shard.row_weights.clear();
    const Index first = rank.shard.rows.first;

    const SomeRows some =
        copy_rows(rank.shard, rank.plan, std::vector<Index>{first + 3, first + 7});

    const model::Block block = some.shard.block(some.shard.blocks.first, some.plan);
    ASSERT_EQ(block.rows, 2);
    EXPECT_EQ(block.labels[0], 3.0);
    EXPECT_EQ(block.labels[1], 7.0);
    EXPECT_TRUE(block.row_weights.empty());
}

TEST(RowCopies, CopyNothingOfAShardWithoutRows) {
    const ShardPlan plan(10);
    Shard shard;
    shard.features = features;
    shard.blocks = plan.blocks_of(4, 5);
    shard.rows = plan.rows_of(4, 5);
    ASSERT_EQ(shard.rows.size(), 0);

    const SomeRows some = copy_rows(shard, plan, {});

    EXPECT_EQ(some.shard.bytes(), 0);
    EXPECT_EQ(some.shard.blocks.size(), 0);
    EXPECT_EQ(some.plan.blocks(), plan.blocks());
}

}  // namespace
}  // namespace paralogit::data
