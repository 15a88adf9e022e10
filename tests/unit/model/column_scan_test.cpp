#include "paralogit/model/column_scan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "paralogit/model/block_kernel.hpp"
#include "paralogit/model/exact_sum.hpp"
#include "unit/model/guarded_bytes.hpp"
#include "unit/model/owned_block.hpp"

namespace paralogit::model {
namespace {

using testing::all_element_types;
using testing::append_element;
using testing::Guarded;
using testing::GuardedBytes;
using testing::half_by_definition;
using testing::OwnedBlock;
using testing::random_block;
using testing::random_values;
using testing::stored_as;
using testing::supported_isas;
using testing::take_small_integers;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

constexpr Index feature_counts[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 30, 64, 100, 1001};

// One row per value, one feature.
OwnedBlock column(std::vector<double> values, std::vector<double> row_weights = {}) {
    OwnedBlock block;
    block.features = 1;
    block.labels.assign(values.size(), 0.0);
    block.values = std::move(values);
    block.row_weights = std::move(row_weights);
    return block;
}

/// Room for a few blocks like this one.
ScanFrame frame_for(const OwnedBlock& block) {
    return ScanFrame::of_sample(block.values, block.features,
                                weight_sum_exponent(block.row_weights, block.rows()), 64);
}

ColumnScan scan_of(const OwnedBlock& block, Isa isa = best_isa()) {
    ColumnScan scan(frame_for(block), isa);
    EXPECT_FALSE(scan.add(block.view()).has_value());
    return scan;
}

std::vector<std::int64_t> limbs_of(const ColumnScan& scan) {
    return {scan.sums.limbs().begin(), scan.sums.limbs().end()};
}

void expect_same_scan(const ColumnScan& found, const ColumnScan& expected) {
    EXPECT_EQ(found.block_sum_exponents, expected.block_sum_exponents);
    EXPECT_EQ(found.value_exponents, expected.value_exponents);
    EXPECT_EQ(limbs_of(found), limbs_of(expected));
    EXPECT_EQ(found.has_left_frame, expected.has_left_frame);
    EXPECT_EQ(found.hash, expected.hash);
}

/// The rows [first, first + count) of a block.
OwnedBlock part_of(const OwnedBlock& block, Index first, Index count) {
    const auto slice = [](const std::vector<double>& values, Index from, Index size) {
        return std::vector<double>(values.begin() + from, values.begin() + from + size);
    };
    OwnedBlock part;
    part.features = block.features;
    part.values = slice(block.values, first * block.features, count * block.features);
    part.labels = slice(block.labels, first, count);
    if (!block.row_weights.empty()) {
        part.row_weights = slice(block.row_weights, first, count);
    }
    part.first_global_row = block.first_global_row + first;
    return part;
}

/// What the standardisation makes of the sums.
struct Moments {
    double mean;
    double variance;
};
Moments moments_of(const ColumnScan& scan, Index feature) {
    const auto features = static_cast<Index>(scan.frame().units.size());
    const double weights = scan.sums.value(2 * features);
    const double shift = scan.sums.value(feature) / weights;
    const double unit = std::ldexp(1.0, scan.frame().units[static_cast<std::size_t>(feature)]);
    return {scan.frame().origin[feature] + shift,
            scan.sums.value(features + feature) / weights * unit * unit - shift * shift};
}

TEST(ColumnScan, BoundsTheSumsOfAbsoluteValuesWithOneBitOfSlack) {
    const ColumnScan scan = scan_of(column({1, -2, 4}));  // 7 < 2^3
    EXPECT_EQ(scan.block_sum_exponents, (std::vector<std::int32_t>{4}));
    EXPECT_EQ(scan.value_exponents, (std::vector<std::int32_t>{3}));
    EXPECT_EQ(weight_sum_exponent({}, 3), 3);  // 3 < 2^2

    // 8 is not below 2^3.
    EXPECT_EQ(scan_of(column({4, -4})).block_sum_exponents[0], 5);
    EXPECT_EQ(scan_of(column({0.25})).block_sum_exponents[0], 0);
    EXPECT_EQ(scan_of(column({0.25})).value_exponents[0], -1);
}

TEST(ColumnScan, CountsRowWeightsInTheSumsAndLeavesOutValuesOfWeightZero) {
    const ColumnScan scan = scan_of(column({1, -2, 4}, {8, 0.5, 0}));  // 9 < 2^4
    EXPECT_EQ(scan.block_sum_exponents[0], 5);
    EXPECT_EQ(scan.value_exponents[0], 2);
    EXPECT_EQ(weight_sum_exponent(std::vector<double>{8, 0.5, 0}, 3), 5);  // 8.5 < 2^4
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
    ColumnScan upwards(frame_for(large));
    ColumnScan downwards(frame_for(large));
    EXPECT_FALSE(upwards.add(small.view()) || upwards.add(large.view()));
    EXPECT_FALSE(downwards.add(large.view()) || downwards.add(small.view()));
    EXPECT_EQ(upwards.block_sum_exponents[0], 9);  // 200 < 2^8; not 201
    EXPECT_EQ(upwards.value_exponents[0], 7);
    EXPECT_EQ(downwards.block_sum_exponents, upwards.block_sum_exponents);
    EXPECT_EQ(downwards.value_exponents, upwards.value_exponents);
}

TEST(ColumnScan, GivesColumnsOfTinyValuesTheLowestExponent) {
    for (const double value : {0.0, -0.0, 5e-324, 1e-300, 0x1p-902}) {
        const ColumnScan scan = scan_of(column({value}));
        EXPECT_EQ(scan.block_sum_exponents[0], ColumnScan::lowest_exponent) << value;
        EXPECT_EQ(scan.value_exponents[0], ColumnScan::lowest_exponent) << value;
    }
    EXPECT_EQ(scan_of(column({0x1p-901})).block_sum_exponents[0], -899);
    const ColumnScan fresh(ScanFrame::of_sample({}, 2, 0, 1));
    EXPECT_EQ(fresh.block_sum_exponents, (std::vector<std::int32_t>{-900, -900}));
    EXPECT_EQ(fresh.value_exponents, (std::vector<std::int32_t>{-900, -900}));
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
    EXPECT_GT(weight_sum_exponent(std::vector<double>{1e308, 1e308}, 2),
              ColumnScan::highest_exponent);
    EXPECT_EQ(weight_sum_exponent(std::vector<double>{0, 0}, 2), -900);
}

TEST(ColumnScan, NamesTheFirstBadValueInRowOrder) {
    for (const Isa isa : supported_isas()) {
        OwnedBlock block = random_block(20, 5, false, 1);
        block.first_global_row = 1000;
        block.values[3 * 5 + 4] = infinity;
        block.values[4 * 5 + 0] = nan_value;
        ColumnScan scan(frame_for(random_block(20, 5, false, 2)), isa);
        const auto bad = scan.add(block.view());
        ASSERT_TRUE(bad.has_value());
        EXPECT_EQ(bad->global_row, 1003);
        EXPECT_EQ(bad->feature, 4);
        EXPECT_EQ(bad->value, infinity);
    }
}

TEST(ColumnScan, FindsABadValueInARowOfWeightZero) {
    for (const double value : {nan_value, infinity, -infinity}) {
        const OwnedBlock block = column({1, value, 3}, {1, 0, 1});
        ColumnScan scan(frame_for(column({1, 2, 3})));
        const auto bad = scan.add(block.view());
        ASSERT_TRUE(bad.has_value());
        EXPECT_EQ(bad->global_row, 1);
        EXPECT_EQ(std::isnan(bad->value), std::isnan(value));
    }
}

TEST(ColumnScan, ReadsTheStoredType) {
    OwnedBlock block = column({3, 100, 7});
    for (const ElementType type : all_element_types()) {
        const std::vector<std::byte> stored = stored_as(type, block.values);
        ColumnScan scan(frame_for(block));
        EXPECT_FALSE(scan.add(block.view_of(type, stored.data())));
        EXPECT_EQ(scan.block_sum_exponents[0], 8);
        EXPECT_EQ(scan.value_exponents[0], 7);
    }
    const std::vector<std::byte> halves = stored_as(ElementType::float16, {1, -infinity, 2});
    ColumnScan scan(frame_for(block));
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
        ExactSums slopes({weight_sum_exponent(block.row_weights, 1024)}, 1);
        EXPECT_TRUE(slopes.add(0, sums.slopes));
    }
}

TEST(ColumnScan, FindsABadValueAtAnyPlace) {
    for (const Isa isa : supported_isas()) {
        for (const bool is_weighted : {false, true}) {
            for (const Index features : {1, 5, 8, 13, 24}) {
                OwnedBlock block = random_block(19, features, is_weighted, 5);
                if (is_weighted) {
                    block.row_weights[4] = 0;
                }
                const ScanFrame frame = frame_for(block);
                for (std::size_t place = 0; place < block.values.size(); ++place) {
                    OwnedBlock with_bad = block;
                    with_bad.values[place] = place % 2 == 0 ? nan_value : -infinity;
                    ColumnScan scan(frame, isa);
                    const auto bad = scan.add(with_bad.view());
                    ASSERT_TRUE(bad.has_value()) << name_of(isa) << " " << place;
                    EXPECT_EQ(bad->global_row * features + bad->feature, static_cast<Index>(place));
                }
            }
        }
    }
}

TEST(ColumnScan, HasTheSameBitsForEveryInstructionSetAndStoredTypeAndReadsNothingBeyond) {
    for (const Index features : feature_counts) {
        for (const Index rows : {1, 7, 8, 9, 53, 200, 257, 259, 515}) {
            for (const bool is_weighted : {false, true}) {
                if (rows * features > 60000) {
                    continue;
                }
                OwnedBlock block = random_block(rows, features, is_weighted, 6);
                take_small_integers(block);
                block.first_global_row = 4096;
                for (std::size_t i = 0; i < block.row_weights.size(); i += 3) {
                    block.row_weights[i] = 0;
                }
                // An origin that is no value and no centre.
                ScanFrame frame = frame_for(block);
                frame.origin = Vector::Constant(features, 1.0 / 3);
                ColumnScan expected(frame, Isa::portable);
                EXPECT_FALSE(expected.add(block.view()).has_value());
                EXPECT_FALSE(expected.has_left_frame);
                const Guarded<double> weights(block.row_weights);
                std::vector<std::uint8_t> hard;
                for (const double label : block.labels) {
                    hard.push_back(label == 1 ? 1 : 0);
                }
                const Guarded<std::uint8_t> labels(hard);
                for (const ElementType type : all_element_types()) {
                    const std::vector<std::byte> bytes = stored_as(type, block.values);
                    for (const std::size_t slack : {0, 1}) {
                        const GuardedBytes stored(bytes, slack);
                        Block view = block.view_of(type, stored.data());
                        view.labels = labels.span();
                        view.row_weights = weights.span();
                        for (const Isa isa : supported_isas()) {
                            SCOPED_TRACE(::testing::Message()
                                         << rows << " x " << features << " " << name_of(type) << " "
                                         << name_of(isa) << (is_weighted ? " weighted" : ""));
                            ColumnScan scan(frame, isa);
                            EXPECT_FALSE(scan.add(view).has_value());
                            expect_same_scan(scan, expected);
                            if (HasFailure()) {
                                return;
                            }
                        }
                    }
                }
            }
        }
    }
}

TEST(ColumnScan, IsNotMovedByTheBytesOfBlocksBefore) {
    // Bytes that are NaN to every floating type.
    OwnedBlock ones = random_block(100, 20, false, 8);
    ones.values.assign(100 * 20, -1.0);
    const std::vector<std::byte> bytes = stored_as(ElementType::int64, ones.values);
    for (const Index rows : {1, 9, 23}) {
        OwnedBlock block = random_block(rows, 20, false, 9);
        take_small_integers(block);
        const ScanFrame frame = frame_for(block);
        for (const ElementType type : all_element_types()) {
            const std::vector<std::byte> stored = stored_as(type, block.values);
            for (const Isa isa : supported_isas()) {
                ColumnScan first(frame, isa);
                EXPECT_FALSE(first.add(block.view_of(type, stored.data())));
                EXPECT_FALSE(first.add(ones.view_of(ElementType::int64, bytes.data())));
                ColumnScan last(frame, isa);
                EXPECT_FALSE(last.add(ones.view_of(ElementType::int64, bytes.data())));
                EXPECT_FALSE(last.add(block.view_of(type, stored.data())));
                expect_same_scan(last, first);
            }
        }
    }
}

TEST(ColumnScan, HasTheSameBitsForAnySpreadOfBlocksOverScans) {
    for (const bool is_weighted : {false, true}) {
        const OwnedBlock block = random_block(640, 13, is_weighted, 7);
        const ScanFrame frame = frame_for(block);
        ColumnScan expected(frame);
        std::vector<OwnedBlock> blocks;
        for (Index first = 0; first < 640; first += 64) {
            blocks.push_back(part_of(block, first, 64));
            EXPECT_FALSE(expected.add(blocks.back().view()));
        }
        std::mt19937_64 random(8);
        for (int trial = 0; trial < 20; ++trial) {
            std::vector<ColumnScan> scans(3, ColumnScan(frame));
            std::ranges::shuffle(blocks, random);
            for (const OwnedBlock& part : blocks) {
                EXPECT_FALSE(scans[random() % 3].add(part.view()));
            }
            scans[1].merge(scans[2]);
            scans[1].merge(scans[0]);
            expect_same_scan(scans[1], expected);
        }
    }
}

TEST(ColumnScan, MergesThatTheFrameWasLeft) {
    const ScanFrame frame = frame_for(column({1, 2, 3}));
    ColumnScan left(frame);
    EXPECT_FALSE(left.add(column({1e30}).view()));
    EXPECT_TRUE(left.has_left_frame);
    ColumnScan within(frame);
    EXPECT_FALSE(within.add(column({2}).view()));
    EXPECT_FALSE(within.has_left_frame);
    within.merge(left);
    EXPECT_TRUE(within.has_left_frame);
}

TEST(ColumnScan, LeavesTheFrameWhereASumExceedsItsBound) {
    const auto has_left = [](const ScanFrame& frame, const OwnedBlock& block) {
        bool result = false;
        for (const Isa isa : supported_isas()) {
            ColumnScan scan(frame, isa);
            EXPECT_FALSE(scan.add(block.view()).has_value());
            EXPECT_TRUE(isa == Isa::portable || scan.has_left_frame == result);
            result = scan.has_left_frame;
        }
        return result;
    };
    // Median 2, farthest 1 < 2^1; room for deviations of 2^16 such units.
    const ScanFrame frame = ScanFrame::of_sample(std::vector<double>{1, 2, 3}, 1, 1, 10);
    EXPECT_EQ(frame.origin[0], 2);
    EXPECT_EQ(frame.units[0], 1);
    EXPECT_FALSE(has_left(frame, column({2 - 0x1p17})));
    EXPECT_FALSE(has_left(frame, column({2 + 0x1p17})));
    EXPECT_TRUE(has_left(frame, column({2 + 0x1p18})));
    EXPECT_TRUE(has_left(frame, column({2 - 0x1p18})));
    EXPECT_TRUE(has_left(frame, column({1e308})));
    EXPECT_FALSE(has_left(frame, column({1e308, 2}, {0, 1})));
    // Weights of which the frame did not know.
    EXPECT_FALSE(has_left(frame, column({2}, {1.99})));
    EXPECT_TRUE(has_left(frame, column({2}, {2})));
    OwnedBlock labels = column({2});
    labels.labels = {1};
    EXPECT_FALSE(has_left(frame, labels));
    // Every column is looked at.
    for (const Index feature : {0, 7, 8, 15, 16, 18}) {
        OwnedBlock block = random_block(5, 19, false, 9);
        const ScanFrame wide = frame_for(block);
        EXPECT_FALSE(has_left(wide, block));
        block.values[static_cast<std::size_t>(3 * 19 + feature)] = 1e20;
        EXPECT_TRUE(has_left(wide, block));
    }
}

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

std::uint64_t hash_of(const OwnedBlock& block, const ScanFrame& frame) {
    ColumnScan scan(frame);
    EXPECT_FALSE(scan.add(block.view()).has_value());
    return scan.hash;
}

TEST(ScanHash, DependsOnEachValueLabelAndWeight) {
    for (const Index rows : {2, 32, 1024}) {
        for (const Index features : {1, 9, 20}) {
            OwnedBlock block = random_block(rows, features, true, 3);
            const ScanFrame frame = frame_for(block);
            const std::uint64_t hash = hash_of(block, frame);
            for (Index i = 0; i < rows; i += 1 + rows / 17) {
                const auto row = static_cast<std::size_t>(i);
                for (Index j = 0; j < features; ++j) {
                    OwnedBlock other = block;
                    double& value = other.values[static_cast<std::size_t>(i * features + j)];
                    // By 2e-15 of the magnitude of the row's projection.
                    double size = 0;
                    for (Index k = 0; k < features; ++k) {
                        const auto at = static_cast<std::size_t>(k);
                        size += std::fabs(block.at(i, k)) * std::ldexp(1.0, -frame.units[at]);
                    }
                    value +=
                        2e-15 * size * std::ldexp(1.0, frame.units[static_cast<std::size_t>(j)]);
                    EXPECT_NE(hash_of(other, frame), hash) << i << " " << j << " of " << rows;
                }
                OwnedBlock other = block;
                other.labels[row] = 1 - other.labels[row];
                EXPECT_NE(hash_of(other, frame), hash) << i;
                other = block;
                other.row_weights[row] *= 1 + 2e-15;
                EXPECT_NE(hash_of(other, frame), hash) << i;
                other.row_weights[row] = 0;
                EXPECT_NE(hash_of(other, frame), hash) << i;
            }
        }
    }
}

TEST(ScanHash, DependsOnTheOrderOfRowsAndOfFeaturesAndOnTheirPlace) {
    const OwnedBlock block = random_block(100, 9, false, 4);
    const ScanFrame frame{.origin = Vector::Zero(9),
                          .units = std::vector<std::int32_t>(9, 2),
                          .weight_exponent = 10,
                          .blocks = 8};
    const std::uint64_t hash = hash_of(block, frame);
    for (const Index other_row : {1, 8, 99}) {
        OwnedBlock turned = block;
        std::swap_ranges(turned.values.begin(), turned.values.begin() + 9,
                         turned.values.begin() + 9 * other_row);
        EXPECT_NE(hash_of(turned, frame), hash);
        turned = block;
        turned.labels[0] = 1;
        turned.labels[static_cast<std::size_t>(other_row)] = 0;
        const std::uint64_t one_way = hash_of(turned, frame);
        std::swap(turned.labels[0], turned.labels[static_cast<std::size_t>(other_row)]);
        EXPECT_NE(hash_of(turned, frame), one_way);
    }
    for (const std::size_t other_feature : {1, 7, 8}) {
        OwnedBlock turned = block;
        for (std::size_t i = 0; i < 100; ++i) {
            std::swap(turned.values[i * 9], turned.values[i * 9 + other_feature]);
        }
        EXPECT_NE(hash_of(turned, frame), hash);
    }
    OwnedBlock elsewhere = block;
    elsewhere.first_global_row = 100;
    EXPECT_NE(hash_of(elsewhere, frame), hash);
    // Two blocks in each other's place; in their own they are the whole.
    OwnedBlock first = part_of(block, 0, 50);
    OwnedBlock second = part_of(block, 50, 50);
    const std::uint64_t both = hash_of(first, frame) + hash_of(second, frame);
    EXPECT_EQ(both, hash);
    std::swap(first.first_global_row, second.first_global_row);
    EXPECT_NE(hash_of(first, frame) + hash_of(second, frame), both);
}

TEST(ScanHash, TellsALabelFromAWeight) {
    OwnedBlock block = random_block(10, 3, false, 5);
    const ScanFrame frame{.origin = Vector::Zero(3),
                          .units = std::vector<std::int32_t>(3, 2),
                          .weight_exponent = 10,
                          .blocks = 1};
    block.row_weights.assign(10, 1.0);
    std::set<std::uint64_t> hashes;
    for (const double weight : {0.0, 0.5, 1.0, 2.0, 3.0}) {
        for (const double label : {0.0, 0.25, 0.5, 1.0}) {
            block.row_weights[4] = weight;
            block.labels[4] = label;
            hashes.insert(hash_of(block, frame));
        }
    }
    EXPECT_EQ(hashes.size(), 20U);
}

TEST(ScanHash, SeesTheOtherRowsBesideOneThatIsFarOut) {
    OwnedBlock block = random_block(100, 3, false, 6);
    block.row_weights.assign(100, 1.0);
    const ScanFrame frame = frame_for(block);
    block.row_weights[7] = 0;
    for (const double far : {1e30, 1.5e308}) {
        block.values[7 * 3] = block.values[7 * 3 + 1] = far;
        const std::uint64_t hash = hash_of(block, frame);
        OwnedBlock other = block;
        other.values[50] *= 1 + 1e-14;
        EXPECT_NE(hash_of(other, frame), hash) << far;
    }
}

TEST(ScanHash, TakesNoWeightsAsWeightsOfOneAndZeroesOfBothSigns) {
    OwnedBlock block = random_block(30, 3, false, 5);
    block.values[0] = block.values[1] = block.values[2] = 0;
    const ScanFrame frame = frame_for(block);
    const std::uint64_t hash = hash_of(block, frame);
    block.row_weights.assign(30, 1.0);
    EXPECT_EQ(hash_of(block, frame), hash);
    block.values[0] = block.values[1] = block.values[2] = -0.0;
    EXPECT_EQ(hash_of(block, frame), hash);
}

template <typename Element>
void expect_widened(ElementType type, const std::vector<Element>& elements,
                    const std::vector<double>& expected) {
    // One byte off, so that no element is aligned.
    std::vector<std::byte> stored(1);
    for (const Element element : elements) {
        append_element(stored, element);
    }
    std::vector<double> row(elements.size());
    widen_row(type, stored.data() + 1, row);
    EXPECT_EQ(row, expected) << name_of(type);
}

template <typename Integer>
void expect_limits_widened(ElementType type) {
    using Limits = std::numeric_limits<Integer>;
    expect_widened<Integer>(type, {Limits::min(), Limits::max(), 0, 1, static_cast<Integer>(-1)},
                            {static_cast<double>(Limits::min()), static_cast<double>(Limits::max()),
                             0, 1, Limits::is_signed ? -1.0 : static_cast<double>(Limits::max())});
}

TEST(WidenRow, ReadsEveryTypeAtItsLimitsAndAtAnyAddress) {
    expect_limits_widened<std::int8_t>(ElementType::int8);
    expect_limits_widened<std::int16_t>(ElementType::int16);
    expect_limits_widened<std::int32_t>(ElementType::int32);
    expect_limits_widened<std::int64_t>(ElementType::int64);
    expect_limits_widened<std::uint8_t>(ElementType::uint8);
    expect_limits_widened<std::uint16_t>(ElementType::uint16);
    expect_limits_widened<std::uint32_t>(ElementType::uint32);
    expect_limits_widened<std::uint64_t>(ElementType::uint64);
    expect_widened<float>(ElementType::float32, {1.5F, -0.1F, 1e-45F, 3.4e38F},
                          {1.5, -0.1F, 0x1p-149, 3.4e38F});
    expect_widened<double>(ElementType::float64, {0.1, -5e-324, 1e308}, {0.1, -5e-324, 1e308});
}

TEST(WidenRow, RoundsIntegersBeyondTheMantissaToNearest) {
    constexpr std::int64_t border = std::int64_t{1} << 53;
    expect_widened<std::int64_t>(ElementType::int64,
                                 {border - 1, border + 1, border + 3, -border - 1},
                                 {0x1p53 - 1, 0x1p53, 0x1p53 + 4, -0x1p53});
}

TEST(WidenRow, ReadsAllBinary16PatternsByTheirDefinition) {
    std::vector<std::uint16_t> patterns;
    for (std::uint32_t bits = 0; bits < 65536; ++bits) {
        patterns.push_back(static_cast<std::uint16_t>(bits));
    }
    std::vector<double> row(patterns.size());
    widen_row(ElementType::float16, reinterpret_cast<const std::byte*>(patterns.data()), row);
    for (std::size_t k = 0; k < row.size(); ++k) {
        const double expected = half_by_definition(patterns[k]);
        if (std::isnan(expected)) {
            ASSERT_TRUE(std::isnan(row[k])) << patterns[k];
        } else {
            ASSERT_EQ(row[k], expected) << patterns[k];
            ASSERT_EQ(std::signbit(row[k]), patterns[k] >= 32768) << patterns[k];
        }
    }
}

}  // namespace
}  // namespace paralogit::model
