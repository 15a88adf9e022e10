#include "paralogit/model/column_scan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "paralogit/model/block_kernel.hpp"
#include "unit/model/guarded_bytes.hpp"
#include "unit/model/scan_cases.hpp"

namespace paralogit::model {
namespace {

using testing::all_element_types;
using testing::column;
using testing::frame_for;
using testing::Guarded;
using testing::GuardedBytes;
using testing::OwnedBlock;
using testing::part_of;
using testing::random_block;
using testing::scan_of;
using testing::stored_as;
using testing::supported_isas;
using testing::take_small_integers;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr Index feature_counts[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 30, 64, 100, 1001};

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

}  // namespace
}  // namespace paralogit::model
