#include "paralogit/model/thinned_rows.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "unit/model/owned_block.hpp"

namespace paralogit::model {
namespace {

using ::testing::ElementsAre;
using testing::OwnedBlock;
using testing::random_block;

std::vector<Index> rows_of(Index first_global_row, Index rows, Index thinning) {
    const ThinnedRows left(first_global_row, rows, thinning);
    std::vector<Index> result;
    for (Index i = 0; i < left.size(); ++i) {
        result.push_back(left[i]);
    }
    return result;
}

TEST(ThinnedRows, AreOneOfEachNeighbours) {
    for (const Index thinning : {1, 2, 8, 32}) {
        for (const Index rows : {0, 1, 7, 8, 9, 1000, 1024}) {
            const std::vector<Index> left = rows_of(5 * 1024, rows, thinning);

            ASSERT_EQ(std::ssize(left), (rows + thinning - 1) / thinning);
            for (Index i = 0; i < std::ssize(left); ++i) {
                const Index row = left[static_cast<std::size_t>(i)];
                EXPECT_EQ(row / thinning, i);
                EXPECT_LT(row, rows);
            }
        }
    }
}

// The numbers come from SplitMix64's finaliser in Python's integers.
TEST(ThinnedRows, AreThoseThatTheHashDraws) {
    EXPECT_THAT(rows_of(0, 37, 8), ElementsAre(7, 9, 19, 30, 32));
    EXPECT_THAT(rows_of(1'000'000'000'000, 64, 16), ElementsAre(10, 24, 42, 63));
    EXPECT_THAT(rows_of(1024, 5, 4), ElementsAre(1, 4));
}

TEST(ThinnedRows, DoNotDependOnTheBlocksThatTheRowsLieIn) {
    std::vector<Index> by_blocks = rows_of(0, 1024, 8);
    for (const Index row : rows_of(1024, 1024, 8)) {
        by_blocks.push_back(1024 + row);
    }

    EXPECT_EQ(by_blocks, rows_of(0, 2048, 8));
}

TEST(ThinnedRows, FollowNoPeriodOfTheRows) {
    constexpr Index rows = 1 << 18;
    for (const Index thinning : {2, 8, 64}) {
        const std::vector<Index> left = rows_of(0, rows, thinning);
        for (const Index period : {2, 8, 24, 64}) {
            std::vector<double> seen(static_cast<std::size_t>(period));
            for (const Index row : left) {
                ++seen[static_cast<std::size_t>(row % period)];
            }
            const double expected =
                static_cast<double>(std::ssize(left)) / static_cast<double>(period);
            for (const double count : seen) {
                EXPECT_NEAR(count, expected, 6 * std::sqrt(expected));
            }
        }
    }
}

TEST(ThinnedRows, AreCopiedAsTheyAreStored) {
    for (const Index features : {1, 5, 300}) {
        const OwnedBlock block = random_block(70, features, /*is_weighted=*/true, 3);
        for (const Index thinning : {2, 8, 64}) {
            const ThinnedRows left(block.first_global_row, block.rows(), thinning);
            std::vector<std::byte> values(3);
            std::vector<double> weights{1, 2};

            copy_rows(block.view(), left, values);
            left.take(std::span<const double>(block.row_weights), weights);

            ASSERT_EQ(std::ssize(values), left.size() * features * Index{sizeof(double)});
            ASSERT_EQ(std::ssize(weights), left.size());
            const auto* const copied = reinterpret_cast<const double*>(values.data());
            for (Index i = 0; i < left.size(); ++i) {
                EXPECT_EQ(weights[static_cast<std::size_t>(i)], block.weight(left[i]));
                for (Index j = 0; j < features; ++j) {
                    EXPECT_EQ(copied[i * features + j], block.at(left[i], j));
                }
            }
        }
    }
}

}  // namespace
}  // namespace paralogit::model
