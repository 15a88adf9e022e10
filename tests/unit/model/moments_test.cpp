#include "paralogit/model/moments.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "unit/model/owned_block.hpp"

namespace paralogit::model {
namespace {

using testing::all_element_types;
using testing::append_element;
using testing::half_by_definition;
using testing::OwnedBlock;
using testing::random_block;
using testing::random_values;
using testing::stored_as;

TEST(BlockMoments, AgreeWithNumbersWorkedByHand) {
    OwnedBlock block;
    block.features = 2;
    block.values = {1, 10, 3, 20, 5, 60};
    block.labels = {1, 0, 0.75};
    block.row_weights = {1, 2, 4};
    BlockMoments moments;
    block_moments(block.view(), std::vector<double>{1, 20}, std::vector<std::int32_t>{0, 3},
                  moments);
    EXPECT_EQ(moments.deviations, (Vector{{0 + 4 + 16, -10 + 0 + 160}}));
    EXPECT_EQ(moments.squared_deviations, (Vector{{0 + 8 + 64, (100 + 0 + 6400) / 64.0}}));
    EXPECT_EQ(moments.label_deviations, (Vector{{0 - 2 + 4, -5 + 0 + 40}}));
    EXPECT_EQ(moments.weights, 7.0);
    EXPECT_EQ(moments.weighted_labels, 4.0);
}

TEST(BlockMoments, AgreeWithLongDoubleFarFromZero) {
    for (const bool is_weighted : {false, true}) {
        OwnedBlock block = random_block(300, 5, is_weighted, 1);
        for (double& value : block.values) {
            value += 1e8;
        }
        const std::vector<double> origin(block.values.begin(), block.values.begin() + 5);
        BlockMoments moments;
        block_moments(block.view(), origin, std::vector<std::int32_t>(5, 0), moments);
        long double weights = 0;
        long double weighted_labels = 0;
        for (Index i = 0; i < 300; ++i) {
            weights += block.weight(i);
            weighted_labels += 1.0L * block.weight(i) * block.label(i);
        }
        EXPECT_NEAR(moments.weights, static_cast<double>(weights), 1e-11);
        EXPECT_NEAR(moments.weighted_labels, static_cast<double>(weighted_labels), 1e-11);
        for (Index j = 0; j < 5; ++j) {
            long double deviations = 0;
            long double squares = 0;
            long double with_labels = 0;
            for (Index i = 0; i < 300; ++i) {
                const long double t = 1.0L * block.at(i, j) - origin[static_cast<std::size_t>(j)];
                deviations += block.weight(i) * t;
                squares += block.weight(i) * t * t;
                with_labels += block.weight(i) * (block.label(i) - 0.5L) * t;
            }
            EXPECT_NEAR(moments.deviations[j], static_cast<double>(deviations), 1e-11);
            EXPECT_NEAR(moments.squared_deviations[j], static_cast<double>(squares), 1e-10);
            EXPECT_NEAR(moments.label_deviations[j], static_cast<double>(with_labels), 1e-11);
        }
    }
}

TEST(BlockMoments, OfValuesNearTheEndsOfDoubleArithmeticNeitherOverflowNorVanish) {
    OwnedBlock block;
    block.features = 2;
    block.values = {0, 0, 0x1p990, 0x1p-890};
    block.labels = {0, 1};
    BlockMoments moments;
    block_moments(block.view(), std::vector<double>{0, 0}, std::vector<std::int32_t>{991, -889},
                  moments);
    EXPECT_EQ(moments.squared_deviations, (Vector{{0.25, 0.25}}));
}

TEST(BlockMoments, AreTheSameForEveryStoredTypeAndOverwriteWhatWasThere) {
    OwnedBlock block = random_block(40, 7, true, 2);
    for (std::size_t k = 0; k < block.values.size(); ++k) {
        block.values[k] = static_cast<double>((k * 37) % 101);
    }
    const std::vector<double> origin = random_values(7, 3);
    const std::vector<std::int32_t> exponents(7, 4);
    BlockMoments expected;
    block_moments(block.view(), origin, exponents, expected);
    BlockMoments moments;
    block_moments(random_block(3, 2, false, 4).view(), std::vector<double>{1, 2},
                  std::vector<std::int32_t>{0, 0}, moments);
    for (const ElementType type : all_element_types()) {
        const std::vector<std::byte> stored = stored_as(type, block.values);
        block_moments(block.view_of(type, stored.data()), origin, exponents, moments);
        EXPECT_EQ(moments.deviations, expected.deviations) << name_of(type);
        EXPECT_EQ(moments.squared_deviations, expected.squared_deviations) << name_of(type);
        EXPECT_EQ(moments.label_deviations, expected.label_deviations) << name_of(type);
        EXPECT_EQ(moments.weights, expected.weights) << name_of(type);
        EXPECT_EQ(moments.weighted_labels, expected.weighted_labels) << name_of(type);
    }
}

TEST(BlockMoments, LeaveOutRowsOfWeightZeroWhateverTheyHold) {
    OwnedBlock block;
    block.features = 1;
    block.values = {1e308, 3, -1e308};
    block.labels = {1, 0, 1};
    block.row_weights = {0, 2, 0};
    BlockMoments moments;
    block_moments(block.view(), std::vector<double>{1}, std::vector<std::int32_t>{2}, moments);
    EXPECT_EQ(moments.deviations[0], 4);
    EXPECT_EQ(moments.squared_deviations[0], 0.5);
    EXPECT_EQ(moments.label_deviations[0], -2);
    EXPECT_EQ(moments.weights, 2);
}

/// The blocks of the first `rows` rows and of the others.
std::uint64_t hash_in_two_blocks(const OwnedBlock& block, Index rows) {
    Block first = block.view();
    Block second = first;
    first.rows = rows;
    second.rows -= rows;
    second.values += rows * block.features * 8;
    second.labels = second.labels.subview(static_cast<std::size_t>(rows),
                                          second.labels.size() - static_cast<std::size_t>(rows));
    second.first_global_row += rows;
    return block_hash(first) + block_hash(second);
}

TEST(BlockHash, DoesNotDependOnBlocksOrStoredTypes) {
    OwnedBlock block = random_block(40, 7, false, 2);
    for (std::size_t k = 0; k < block.values.size(); ++k) {
        block.values[k] = static_cast<double>((k * 37) % 101);
    }
    const std::uint64_t hash = block_hash(block.view());
    EXPECT_EQ(hash_in_two_blocks(block, 13), hash);
    for (const ElementType type : all_element_types()) {
        const std::vector<std::byte> stored = stored_as(type, block.values);
        EXPECT_EQ(block_hash(block.view_of(type, stored.data())), hash) << name_of(type);
    }
}

TEST(BlockHash, DependsOnEachValueLabelAndOnTheOrderOfRows) {
    OwnedBlock block;
    block.features = 2;
    block.values = {1, 2, 3, 4};
    block.labels = {1, 0};
    const std::uint64_t hash = block_hash(block.view());
    OwnedBlock turned = block;
    turned.values = {3, 4, 1, 2};
    turned.labels = {0, 1};
    EXPECT_NE(block_hash(turned.view()), hash);
    OwnedBlock other = block;
    other.values[3] = 4.000000000000001;
    EXPECT_NE(block_hash(other.view()), hash);
    other = block;
    other.labels[1] = 0.5;
    EXPECT_NE(block_hash(other.view()), hash);
    other = block;
    other.row_weights = {1, 2};
    EXPECT_NE(block_hash(other.view()), hash);
    other.row_weights = {1, 1};
    EXPECT_EQ(block_hash(other.view()), hash);
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
