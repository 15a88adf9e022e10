#include "paralogit/model/scattered_sums.hpp"

#include <gtest/gtest.h>

#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>
#include <random>

#include "owned_sparse_block.hpp"
#include "paralogit/base/error.hpp"
#include "paralogit/model/sparse_kernel.hpp"

namespace paralogit::model {
namespace {

using Wide = boost::multiprecision::cpp_bin_float_100;

TEST(ScatterScale, KeepsOneScaleWhileNoFeatureLosesByIt) {
    // 1000 partials: W = 50, and 100 + 1 - 10 - 54 bits of room.
    const std::vector<std::int16_t> near{5, -900, -32, 0};
    const ScatterScale one(near, 1000);
    EXPECT_EQ(one.leading(), nullptr);
    EXPECT_EQ(one.exponent(2), 5);
    const std::vector<std::int16_t> far{5, -900, -33, 0};
    const ScatterScale each(far, 1000);
    ASSERT_NE(each.leading(), nullptr);
    for (Index j = 0; j < 4; ++j) {
        EXPECT_EQ(each.exponent(j), far[static_cast<std::size_t>(j)]);
    }
}

TEST(ScatterScale, RefusesWhatItHasNoRoomFor) {
    const std::vector<std::int16_t> fine{1000, -900};
    EXPECT_NO_THROW(ScatterScale(fine, Index{1} << 30));
    EXPECT_THROW(ScatterScale(fine, (Index{1} << 30) + 1), Error);
    const std::vector<std::int16_t> large{1001};
    EXPECT_THROW(ScatterScale(large, 1), Error);
    const std::vector<std::int16_t> small{-901};
    EXPECT_THROW(ScatterScale(small, 1), Error);
}

/// Sums of s x with columns over many decades, against sums in 100 digits.
TEST(ScatteredSums, AreAsExactAsTheyPromise) {
    std::mt19937_64 random(11);
    std::normal_distribution<double> normal;
    testing::OwnedSparseBlock block;
    block.features = 6;
    std::vector<std::int16_t> exponents(6, ScatterScale::lowest_exponent);
    constexpr Index rows = 3000;
    std::vector<Wide> exact(6);
    std::vector<double> factors;
    for (Index i = 0; i < rows; ++i) {
        factors.push_back(normal(random));
        for (std::uint32_t j = 0; j < 6; ++j) {
            const double scale = std::pow(10.0, 60.0 * (j - 2.5)) * (i == 77 ? 1e12 : 1.0);
            const double x = normal(random) * scale;
            block.indices.push_back(j);
            block.values.push_back(x);
            const double product = factors.back() * x;
            exact[j] += Wide(product);
            int exponent = 0;
            std::frexp(product, &exponent);
            exponents[j] = std::max(exponents[j], static_cast<std::int16_t>(exponent));
        }
        block.offsets.push_back(static_cast<Index>(block.indices.size()));
        block.labels.push_back(0);
    }
    block.store(ElementType::float64);
    const ScatterScale scale(exponents, rows);
    for (const Isa isa : testing::supported_isas()) {
        ScatteredSums sums(scale);
        ASSERT_TRUE(scatter_block(block.view(), 1, factors, {0, 6}, sums, isa));
        for (Index j = 0; j < 6; ++j) {
            const Wide& sum = exact[static_cast<std::size_t>(j)];
            // K 2^(E - 2W - 1) + u |sum|, with W = 50.
            const Wide bound = Wide(rows) * Wide(std::ldexp(1.0, scale.exponent(j) - 101)) +
                               abs(sum) * Wide(0x1p-53);
            EXPECT_LE(abs(Wide(sums.value(j)) - sum), bound) << j;
        }
    }
}

TEST(ScatteredSums, OfHighLimbsRoundEachEntryToTheGridOfTheLargestBound) {
    const std::vector<std::int16_t> exponents{3, -70, 0};
    const ScatterScale both(exponents, 1000);
    ASSERT_NE(both.leading(), nullptr);
    const ScatterScale scale = both.of_high_limbs();
    EXPECT_EQ(scale.leading(), nullptr);
    EXPECT_EQ(scale.limbs(), 1);
    const double grid = std::ldexp(1.0, 3 - scale.width());
    testing::OwnedSparseBlock block;
    block.features = 3;
    block.add_row({{0, 5.0}, {1, 0x1p-71}, {2, 0.3 * grid}}, 0);
    block.add_row({{0, -0.125}, {2, 2.75 * grid}}, 0);
    const std::vector<double> one{1.0, 1.0};
    for (const Isa isa : testing::supported_isas()) {
        ScatteredSums sums(scale, 2);
        ASSERT_TRUE(scatter_block(block.view(), 1, one, {0, 3}, sums, isa));
        EXPECT_EQ(sums.message(2).size(), 5U);
        std::vector<double> values(3, 1.0);
        sums.values({0, 3}, 4, 0, values);
        EXPECT_EQ(values, (std::vector<double>{19.5, 0, 12 * grid}));
        sums.values({0, 3}, 1, 2, values);
        EXPECT_EQ(values, (std::vector<double>{43.875, 0, 27 * grid}));
        EXPECT_EQ(sums.value(2), 3 * grid);
        // In the memory of another, behind its limbs.
        std::vector<std::int64_t> memory(9, 1);
        ScatteredSums beside(scale, std::span(memory).subspan(5));
        beside.clear({0, 3});
        ASSERT_TRUE(scatter_block(block.view(), 1, one, {0, 3}, beside, isa));
        beside.add(sums, {1, 3});
        EXPECT_EQ(beside.value(0), 4.875);
        EXPECT_EQ(beside.value(2), 6 * grid);
        EXPECT_EQ(memory[4], 1);
        EXPECT_EQ(memory[8], 1);
        const std::vector<double> eight{8.0, 1.0};
        EXPECT_FALSE(scatter_block(block.view(), 1, eight, {0, 3}, sums, isa));
    }
}

TEST(ScatteredSums, AddUpAndClearByRanges) {
    const std::vector<std::int16_t> exponents(4, 1);
    const ScatterScale scale(exponents, 10);
    ScatteredSums a(scale, 3);
    ScatteredSums b(scale);
    testing::OwnedSparseBlock block;
    block.features = 4;
    block.add_row({{0, 1.0}, {1, 0.5}, {2, 0.25}, {3, -1.5}}, 0);
    const std::vector<double> one{1.0};
    ASSERT_TRUE(scatter_block(block.view(), 1, one, {0, 4}, a));
    ASSERT_TRUE(scatter_block(block.view(), 1, one, {0, 4}, b));
    a.words()[2] = 7;
    a.add(b, {1, 3});
    EXPECT_EQ(a.value(0), 1.0);
    EXPECT_EQ(a.value(1), 1.0);
    EXPECT_EQ(a.value(2), 0.5);
    EXPECT_EQ(a.value(3), -1.5);
    a.clear({0, 2});
    std::vector<double> values(4, 9.0);
    a.values({0, 3}, 4, 0, values);
    EXPECT_EQ(values, (std::vector<double>{0, 0, 2, 9}));
    a.values({1, 4}, 2, 3, values);
    EXPECT_EQ(values, (std::vector<double>{0, 0, 7, 24}));
    EXPECT_EQ(a.message(3).size(), 11U);
    EXPECT_EQ(a.message(3).back(), 7);
    EXPECT_EQ(a.message(0).size(), 8U);
}

TEST(ScatteredSums, RoundLimbsOfAnySizeOnce) {
    const ScatterScale scale(std::vector<std::int16_t>{3}, 1000);
    ScatteredSums sums(scale);
    constexpr std::int64_t border = std::int64_t{1} << 53U;
    const std::vector<std::int64_t> limbs{
        0,          1,          3,           border - 1,     border,
        border + 1, border + 3, 5 * border,  5 * border + 1, 99 * border + 7,
        -1,         -border,    -border - 1, -7 * border - 3};
    for (const std::int64_t high : limbs) {
        for (const std::int64_t low : limbs) {
            sums.limbs()[0] = high;
            sums.limbs()[1] = low;
            const Wide power = std::ldexp(1.0, scale.width());
            const Wide unit = std::ldexp(1.0, 3 - 2 * scale.width());
            const auto expected =
                static_cast<double>(Wide((Wide(high) * power + Wide(low)) * unit));
            EXPECT_EQ(sums.value(0), expected) << high << ' ' << low;
            std::vector<double> values(1);
            sums.values({0, 1}, 1, 0, values);
            EXPECT_EQ(values[0], expected) << high << ' ' << low;
        }
    }
}

}  // namespace
}  // namespace paralogit::model
