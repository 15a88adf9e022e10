#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "paralogit/model/column_scan.hpp"
#include "paralogit/model/exact_sum.hpp"
#include "unit/model/scan_cases.hpp"

namespace paralogit::model {
namespace {

using testing::column;
using testing::frame_for;
using testing::Moments;
using testing::moments_of;
using testing::OwnedBlock;
using testing::part_of;
using testing::random_block;
using testing::scan_of;
using testing::supported_isas;

TEST(ScanFrame, HasTheMedianOfEachColumnAndTheDistanceOfItsFarthestValue) {
    const ScanFrame frame = ScanFrame::of_sample(std::vector<double>{5,  0, 7, -1000,  //
                                                                     1,  0, 7, 24,     //
                                                                     -3, 0, 7, 25,     //
                                                                     -2, 0, 7, 26,     //
                                                                     3,  0, 7, 23},
                                                 4, 3, 12);
    EXPECT_EQ(frame.origin, (Vector{{1, 0, 7, 24}}));
    // 4 < 2^3, nothing, 7 < 2^3 for want of another size, 1024 < 2^11.
    EXPECT_EQ(frame.units, (std::vector<std::int32_t>{3, 0, 3, 11}));
    EXPECT_EQ(frame.weight_exponent, 3);
    EXPECT_EQ(frame.blocks, 12);
}

TEST(ScanFrame, TakesAnySample) {
    const ScanFrame none = ScanFrame::of_sample({}, 3, 1, 1);
    EXPECT_EQ(none.origin, Vector::Zero(3));
    EXPECT_EQ(none.units, (std::vector<std::int32_t>{0, 0, 0}));
    const ScanFrame no_features = ScanFrame::of_sample({}, 0, 1, 1);
    EXPECT_EQ(no_features.origin.size(), 0);
    for (const double value : {5e-324, 1e-300, 1e300, -1.7e308}) {
        // At the ends of double arithmetic the units are kept where their squares have room.
        const ScanFrame frame = ScanFrame::of_sample(std::vector<double>{value}, 1, 1, 1);
        EXPECT_EQ(frame.origin[0], value);
        EXPECT_EQ(frame.units[0], std::clamp(exponent_above(value), -900, 900));
        ColumnScan scan(frame);
        EXPECT_FALSE(scan.add(column({value}).view()));
        EXPECT_FALSE(scan.has_left_frame) << value;
        EXPECT_EQ(moments_of(scan, 0).mean, value);
        EXPECT_EQ(moments_of(scan, 0).variance, 0.0);
    }
    // The difference of two finite values may overflow.
    const ScanFrame wide = ScanFrame::of_sample(std::vector<double>{-1.7e308, 1.7e308}, 1, 1, 1);
    EXPECT_GE(wide.units[0], -900);
}

TEST(ScanSums, AgreeWithNumbersWorkedByHand) {
    OwnedBlock block;
    block.features = 2;
    block.values = {1, 10, 3, 20, 5, 60};
    block.labels = {1, 0, 0.75};
    block.row_weights = {1, 2, 4};
    ScanFrame frame{.origin = Vector{{1, 20}}, .units = {0, 3}, .weight_exponent = 3, .blocks = 1};
    for (const Isa isa : supported_isas()) {
        ColumnScan scan(frame, isa);
        EXPECT_FALSE(scan.add(block.view()).has_value());
        const double expected[] = {
            0 + 4 + 16, -10 + 0 + 160, 0 + 8 + 64, (100 + 0 + 6400) / 64.0, 7.0, 4.0};
        ASSERT_EQ(scan.sums.size(), 6);
        for (Index k = 0; k < 6; ++k) {
            EXPECT_EQ(scan.sums.value(k), expected[k]) << k;
        }
    }
}

TEST(ScanSums, AgreeWithLongDoubleFarFromZero) {
    for (const bool is_weighted : {false, true}) {
        for (const Index features : {1, 5, 8, 19}) {
            OwnedBlock block = random_block(300, features, is_weighted, 1);
            for (double& value : block.values) {
                value += 1e8;
            }
            for (const Isa isa : supported_isas()) {
                ColumnScan scan(frame_for(block), isa);
                for (Index first = 0; first < 300; first += 100) {
                    EXPECT_FALSE(scan.add(part_of(block, first, 100).view()).has_value());
                }
                EXPECT_FALSE(scan.has_left_frame);
                long double weights = 0;
                long double weighted_labels = 0;
                for (Index i = 0; i < 300; ++i) {
                    weights += block.weight(i);
                    weighted_labels += 1.0L * block.weight(i) * block.label(i);
                }
                EXPECT_NEAR(scan.sums.value(2 * features), static_cast<double>(weights), 1e-11);
                EXPECT_NEAR(scan.sums.value(2 * features + 1), static_cast<double>(weighted_labels),
                            1e-11);
                for (Index j = 0; j < features; ++j) {
                    long double mean = 0;
                    for (Index i = 0; i < 300; ++i) {
                        mean += block.weight(i) * (block.at(i, j) - 1e8L) / weights;
                    }
                    long double variance = 0;
                    for (Index i = 0; i < 300; ++i) {
                        const long double t = block.at(i, j) - 1e8L - mean;
                        variance += block.weight(i) * t * t / weights;
                    }
                    const Moments moments = moments_of(scan, j);
                    EXPECT_EQ(moments.mean, static_cast<double>(1e8L + mean));
                    EXPECT_NEAR(moments.variance, static_cast<double>(variance),
                                1e-13 * static_cast<double>(variance));
                }
            }
        }
    }
}

TEST(ScanSums, AreExactForAConstantColumn) {
    for (const double constant : {0.1, -1e9 / 3, 1e-200, 3e200}) {
        for (const bool is_weighted : {false, true}) {
            for (const Isa isa : supported_isas()) {
                OwnedBlock block = random_block(100, 10, is_weighted, 2);
                for (std::size_t i = 0; i < 100; ++i) {
                    block.values[i * 10 + 3] = constant;
                    block.values[i * 10 + 9] = constant;
                }
                const ColumnScan scan = scan_of(block, isa);
                for (const Index feature : {3, 9}) {
                    EXPECT_EQ(moments_of(scan, feature).mean, constant);
                    EXPECT_EQ(moments_of(scan, feature).variance, 0.0);
                }
                EXPECT_GT(moments_of(scan, 4).variance, 0.5);
            }
        }
    }
}

TEST(ScanSums, OfValuesNearTheEndsOfDoubleArithmeticNeitherOverflowNorVanish) {
    OwnedBlock block;
    block.features = 2;
    block.values = {0, 0, 0x1p890, 0x1p-890};
    block.labels = {0, 1};
    const ScanFrame frame{
        .origin = Vector::Zero(2), .units = {891, -889}, .weight_exponent = 2, .blocks = 1};
    for (const Isa isa : supported_isas()) {
        ColumnScan scan(frame, isa);
        EXPECT_FALSE(scan.add(block.view()).has_value());
        EXPECT_FALSE(scan.has_left_frame);
        EXPECT_EQ(scan.sums.value(0), 0x1p890);
        EXPECT_EQ(scan.sums.value(1), 0x1p-890);
        EXPECT_EQ(scan.sums.value(2), 0.25);
        EXPECT_EQ(scan.sums.value(3), 0.25);
    }
}

TEST(ScanSums, LeaveOutRowsOfWeightZeroWhateverTheyHold) {
    OwnedBlock block;
    block.features = 1;
    block.values = {1e308, 3, -1e308};
    block.labels = {1, 0, 1};
    block.row_weights = {0, 2, 0};
    const ScanFrame frame{
        .origin = Vector::Constant(1, 1.0), .units = {2}, .weight_exponent = 2, .blocks = 1};
    for (const Isa isa : supported_isas()) {
        ColumnScan scan(frame, isa);
        EXPECT_FALSE(scan.add(block.view()).has_value());
        EXPECT_FALSE(scan.has_left_frame);
        EXPECT_EQ(scan.sums.value(0), 4);
        EXPECT_EQ(scan.sums.value(1), 0.5);
        EXPECT_EQ(scan.sums.value(2), 2);
        EXPECT_EQ(scan.sums.value(3), 0);
        EXPECT_EQ(scan.value_exponents[0], 2);
        EXPECT_EQ(scan.block_sum_exponents[0], 4);
    }
}

}  // namespace
}  // namespace paralogit::model
