#include "paralogit/model/column_scan.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "paralogit/model/block_kernel.hpp"
#include "paralogit/model/exact_sum.hpp"
#include "unit/model/owned_block.hpp"

namespace paralogit::model {
namespace {

using testing::OwnedBlock;
using testing::random_block;
using testing::stored_as;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

// One row per value, one feature.
OwnedBlock column(std::vector<double> values, std::vector<double> row_weights = {}) {
    OwnedBlock block;
    block.features = 1;
    block.labels.assign(values.size(), 0.0);
    block.values = std::move(values);
    block.row_weights = std::move(row_weights);
    return block;
}

ColumnScan scan_of(const OwnedBlock& block) {
    ColumnScan scan(block.features);
    EXPECT_FALSE(scan.add(block.view()).has_value());
    return scan;
}

TEST(ColumnScan, BoundsTheSumsOfAbsoluteValuesWithOneBitOfSlack) {
    const ColumnScan scan = scan_of(column({1, -2, 4}));  // 7 < 2^3
    EXPECT_EQ(scan.block_sum_exponents, (std::vector<std::int32_t>{4}));
    EXPECT_EQ(scan.value_exponents, (std::vector<std::int32_t>{3}));
    EXPECT_EQ(scan.weight_exponent, 3);  // 3 < 2^2

    // 8 is not below 2^3.
    EXPECT_EQ(scan_of(column({4, -4})).block_sum_exponents[0], 5);
    EXPECT_EQ(scan_of(column({0.25})).block_sum_exponents[0], 0);
    EXPECT_EQ(scan_of(column({0.25})).value_exponents[0], -1);
}

TEST(ColumnScan, MergesToTheScanOfAllBlocks) {
    const OwnedBlock a = column({1, -2, 4}, {8, 1, 1});
    const OwnedBlock b = column({0.25, 16});
    ColumnScan both = scan_of(a);
    both.add(b.view());
    ColumnScan merged = scan_of(a);

    merged.merge(scan_of(b));

    EXPECT_EQ(merged.block_sum_exponents, both.block_sum_exponents);
    EXPECT_EQ(merged.value_exponents, both.value_exponents);
    EXPECT_EQ(merged.weight_exponent, both.weight_exponent);
}

TEST(ColumnScan, CountsRowWeightsInTheSumsAndLeavesOutValuesOfWeightZero) {
    const ColumnScan scan = scan_of(column({1, -2, 4}, {8, 0.5, 0}));  // 9 < 2^4
    EXPECT_EQ(scan.block_sum_exponents[0], 5);
    EXPECT_EQ(scan.value_exponents[0], 2);
    EXPECT_EQ(scan.weight_exponent, 5);  // 8.5 < 2^4
}

TEST(ColumnScan, AgreesWithLongDouble) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        OwnedBlock block = random_block(128, 10, seed % 2 == 0, seed);
        for (Index j = 0; j < 10; ++j) {
            for (Index i = 0; i < 128; ++i) {
                double& value = block.values[static_cast<std::size_t>(i * 10 + j)];
                value = std::ldexp(value, static_cast<int>(j) * 40 - 200);
            }
        }
        const ColumnScan scan = scan_of(block);
        for (Index j = 0; j < 10; ++j) {
            long double sum = 0;
            double largest = 0;
            for (Index i = 0; i < 128; ++i) {
                sum += std::fabs(1.0L * block.weight(i) * block.at(i, j));
                largest = std::max(largest, std::fabs(block.at(i, j)));
            }
            const auto k = static_cast<std::size_t>(j);
            EXPECT_LT(sum, std::ldexp(1.0L, scan.block_sum_exponents[k] - 1));
            EXPECT_GE(sum, std::ldexp(1.0L, scan.block_sum_exponents[k] - 2));
            EXPECT_LT(largest, std::ldexp(1.0, scan.value_exponents[k]));
            EXPECT_GE(largest, std::ldexp(1.0, scan.value_exponents[k] - 1));
        }
    }
}

TEST(ColumnScan, KeepsTheLargestBlockInAnyOrderOfBlocks) {
    const OwnedBlock small = column({1});
    const OwnedBlock large = column({100, 100});
    ColumnScan upwards(1);
    ColumnScan downwards(1);
    EXPECT_FALSE(upwards.add(small.view()) || upwards.add(large.view()));
    EXPECT_FALSE(downwards.add(large.view()) || downwards.add(small.view()));
    EXPECT_EQ(upwards.block_sum_exponents[0], 9);  // 200 < 2^8; not 201
    EXPECT_EQ(upwards.value_exponents[0], 7);
    EXPECT_EQ(upwards.weight_exponent, 3);
    EXPECT_EQ(downwards.block_sum_exponents, upwards.block_sum_exponents);
    EXPECT_EQ(downwards.value_exponents, upwards.value_exponents);
    EXPECT_EQ(downwards.weight_exponent, upwards.weight_exponent);
}

TEST(ColumnScan, GivesColumnsOfTinyValuesTheLowestExponent) {
    for (const double value : {0.0, -0.0, 5e-324, 1e-300, 0x1p-902}) {
        const ColumnScan scan = scan_of(column({value}));
        EXPECT_EQ(scan.block_sum_exponents[0], ColumnScan::lowest_exponent) << value;
        EXPECT_EQ(scan.value_exponents[0], ColumnScan::lowest_exponent) << value;
    }
    EXPECT_EQ(scan_of(column({0x1p-901})).block_sum_exponents[0], -899);
    const ColumnScan fresh(2);
    EXPECT_EQ(fresh.block_sum_exponents, (std::vector<std::int32_t>{-900, -900}));
    EXPECT_EQ(fresh.value_exponents, (std::vector<std::int32_t>{-900, -900}));
    EXPECT_EQ(fresh.weight_exponent, -900);
}

TEST(ColumnScan, ShowsASumThatIsTooLargeByItsExponent) {
    EXPECT_EQ(scan_of(column({0x1.fffffffffffffp998})).block_sum_exponents[0],
              ColumnScan::highest_exponent);
    EXPECT_GT(scan_of(column({0x1p999})).block_sum_exponents[0], ColumnScan::highest_exponent);
    EXPECT_GT(scan_of(column({0x1p1000})).block_sum_exponents[0], ColumnScan::highest_exponent);
    // Overflow of the sum of finite values is no bad value.
    const ColumnScan overflown = scan_of(column({1e308, -1e308}));
    EXPECT_GT(overflown.block_sum_exponents[0], ColumnScan::highest_exponent);
    EXPECT_EQ(overflown.value_exponents[0], 1024);
    EXPECT_GT(scan_of(column({1, 1}, {1e308, 1e308})).weight_exponent,
              ColumnScan::highest_exponent);
}

TEST(ColumnScan, NamesTheFirstBadValueInRowOrder) {
    OwnedBlock block = random_block(20, 5, false, 1);
    block.first_global_row = 1000;
    block.values[3 * 5 + 4] = infinity;
    block.values[4 * 5 + 0] = nan_value;
    ColumnScan scan(5);
    const auto bad = scan.add(block.view());
    ASSERT_TRUE(bad.has_value());
    EXPECT_EQ(bad->global_row, 1003);
    EXPECT_EQ(bad->feature, 4);
    EXPECT_EQ(bad->value, infinity);
}

TEST(ColumnScan, FindsABadValueInARowOfWeightZero) {
    for (const double value : {nan_value, infinity, -infinity}) {
        const OwnedBlock block = column({1, value, 3}, {1, 0, 1});
        ColumnScan scan(1);
        const auto bad = scan.add(block.view());
        ASSERT_TRUE(bad.has_value());
        EXPECT_EQ(bad->global_row, 1);
        EXPECT_EQ(std::isnan(bad->value), std::isnan(value));
    }
}

TEST(ColumnScan, ReadsTheStoredType) {
    OwnedBlock block = column({3, 100, 7});
    for (const ElementType type : testing::all_element_types()) {
        const std::vector<std::byte> stored = stored_as(type, block.values);
        ColumnScan scan(1);
        EXPECT_FALSE(scan.add(block.view_of(type, stored.data())));
        EXPECT_EQ(scan.block_sum_exponents[0], 8);
        EXPECT_EQ(scan.value_exponents[0], 7);
    }
    const std::vector<std::byte> halves = stored_as(ElementType::float16, {1, -infinity, 2});
    ColumnScan scan(1);
    const auto bad = scan.add(block.view_of(ElementType::float16, halves.data()));
    ASSERT_TRUE(bad.has_value());
    EXPECT_EQ(bad->global_row, 1);
    EXPECT_EQ(bad->value, -infinity);
}

TEST(ColumnScan, BoundsEveryPartialThatTheKernelMakes) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        // All slopes at their largest and of one sign: the partial is the sum of absolute values.
        OwnedBlock block = random_block(1024, 6, true, seed);
        for (double& value : block.values) {
            value = std::fabs(value) + 0.1;
        }
        block.labels.assign(block.labels.size(), 0.0);
        const ColumnScan scan = scan_of(block);
        BlockSums sums;
        evaluate_block(block.view(), std::vector<double>(6, 1000.0), 0, sums);
        ExactSums exact(scan.block_sum_exponents, 1);
        EXPECT_TRUE(exact.add(0, {sums.slopes_times_features.data(), 6}));
        ExactSums slopes({scan.weight_exponent}, 1);
        EXPECT_TRUE(slopes.add(0, sums.slopes));
    }
}

}  // namespace
}  // namespace paralogit::model
