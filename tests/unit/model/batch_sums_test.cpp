#include "paralogit/model/batch_sums.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "paralogit/base/error.hpp"

namespace paralogit::model {
namespace {

using Wide = boost::multiprecision::number<
    boost::multiprecision::cpp_bin_float<300, boost::multiprecision::digit_base_2>>;

/// Rows of floats on scales from 2^-20 to 2^20.
struct Rows {
    Index features;
    std::vector<float> values;
    std::vector<double> labels;
    std::vector<double> weights;

    Rows(Index rows, Index features_of_row) : features(features_of_row) {
        std::mt19937_64 random(5);
        std::normal_distribution<double> normal;
        for (Index i = 0; i < rows; ++i) {
            for (Index j = 0; j < features; ++j) {
                values.push_back(static_cast<float>(std::ldexp(normal(random), scale_exponent(j))));
            }
            labels.push_back(i % 3 == 0 ? 1.0 : 0.0);
            weights.push_back(0.5 * static_cast<double>(i % 4));
        }
    }

    static int scale_exponent(Index j) { return static_cast<int>(j * 40 % 41) - 20; }
    std::vector<std::int16_t> exponents() const {
        std::vector<std::int16_t> exponents;
        for (Index j = 0; j < features; ++j) {
            exponents.push_back(static_cast<std::int16_t>(scale_exponent(j) + 5));
        }
        return exponents;
    }
    double at(std::size_t i, Index j) const {
        return values[i * static_cast<std::size_t>(features) + static_cast<std::size_t>(j)];
    }
    PickedRows picked(const std::vector<std::size_t>& numbers) const {
        PickedRows rows;
        rows.type = ElementType::float32;
        for (const std::size_t i : numbers) {
            rows.values.push_back(reinterpret_cast<const std::byte*>(
                values.data() + i * static_cast<std::size_t>(features)));
            rows.labels.push_back(labels[i]);
            rows.row_weights.push_back(weights[i]);
        }
        return rows;
    }
    Index size() const { return std::ssize(labels); }
};

std::vector<std::size_t> numbers_up_to(Index count) {
    std::vector<std::size_t> numbers(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        numbers[i] = i;
    }
    return numbers;
}

std::vector<double> coefficients_for(const Rows& rows) {
    std::vector<double> coefficients;
    for (Index j = 0; j < rows.features; ++j) {
        coefficients.push_back(
            std::ldexp(static_cast<double>(j % 5) - 2.0, -Rows::scale_exponent(j) - 2));
    }
    return coefficients;
}

BatchSums sums_for(const Rows& rows, Isa isa = best_isa()) {
    BatchSums sums(rows.exponents(), 2, rows.size(), 3, isa);
    sums.clear(10);
    return sums;
}

/// Neighbours by blocks; the last may be smaller.
std::vector<Block> blocks_of(const Rows& rows, std::size_t size) {
    std::vector<Block> blocks;
    for (std::size_t first = 0; first < rows.labels.size(); first += size) {
        const std::size_t count = std::min(size, rows.labels.size() - first);
        blocks.push_back(
            {.type = ElementType::float32,
             .values = rows.picked({first}).values.front(),
             .rows = static_cast<Index>(count),
             .features = rows.features,
             .labels = LabelView(std::span<const double>(rows.labels)).subview(first, count),
             .row_weights = std::span(rows.weights).subspan(first, count),
             .first_global_row = static_cast<Index>(first)});
    }
    return blocks;
}

std::vector<double> numbers_of(BatchSums& sums, Index features) {
    std::vector<double> numbers{sums.slopes(), sums.loss()};
    for (Index j = 0; j < features; ++j) {
        numbers.push_back(sums.slopes_times_feature(j));
    }
    return numbers;
}

TEST(BatchSums, AreThoseOfTheRows) {
    const Rows rows(101, 13);
    const std::vector<double> w = coefficients_for(rows);
    BatchSums sums = sums_for(rows);
    sums.add(rows.picked(numbers_up_to(rows.size())), w, 0.25);

    std::vector<Wide> expected(static_cast<std::size_t>(rows.features) + 2);
    for (std::size_t i = 0; i < rows.labels.size(); ++i) {
        Wide z = 0.25;
        for (Index j = 0; j < rows.features; ++j) {
            z += Wide(rows.at(i, j)) * w[static_cast<std::size_t>(j)];
        }
        const Wide slope = rows.weights[i] * (1 / (1 + exp(-z)) - rows.labels[i]);
        expected[0] += slope;
        expected[1] += rows.weights[i] * (log(1 + exp(z)) - rows.labels[i] * z);
        for (Index j = 0; j < rows.features; ++j) {
            expected[static_cast<std::size_t>(j) + 2] += slope * rows.at(i, j);
        }
    }
    const std::vector<double> numbers = numbers_of(sums, rows.features);
    for (std::size_t k = 0; k < numbers.size(); ++k) {
        const auto exact = static_cast<double>(expected[k]);
        const double scale =
            k < 2 ? 1 : std::ldexp(1.0, Rows::scale_exponent(static_cast<Index>(k) - 2));
        EXPECT_NEAR(numbers[k] / scale, exact / scale, 1e-12) << k;
    }
}

TEST(BatchSums, GiveTheSameBitsInAnyOrderAndAnyGrouping) {
    const Rows rows(203, 21);
    const std::vector<double> w = coefficients_for(rows);
    std::vector<std::size_t> numbers = numbers_up_to(rows.size());
    BatchSums at_once = sums_for(rows);
    at_once.add(rows.picked(numbers), w, -1.5);
    const std::vector<double> expected = numbers_of(at_once, rows.features);

    std::mt19937_64 random(1);
    for (const std::size_t cut : {1UL, 7UL, 64UL, 100UL, 202UL}) {
        std::ranges::shuffle(numbers, random);
        const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(cut);
        BatchSums first = sums_for(rows);
        BatchSums second = sums_for(rows);
        first.add(rows.picked({numbers.begin(), middle}), w, -1.5);
        second.add(rows.picked({middle, numbers.end()}), w, -1.5);
        first.add(second);
        EXPECT_EQ(numbers_of(first, rows.features), expected) << cut;
    }
}

TEST(BatchSums, GiveTheSameBitsWithAllInstructions) {
    const Rows rows(75, 19);
    const std::vector<double> w = coefficients_for(rows);
    BatchSums portable = sums_for(rows, Isa::portable);
    portable.add(rows.picked(numbers_up_to(rows.size())), w, 0.5);
    for (const Isa isa : {Isa::avx2, Isa::avx512}) {
        if (is_supported(isa)) {
            BatchSums sums = sums_for(rows, isa);
            sums.add(rows.picked(numbers_up_to(rows.size())), w, 0.5);
            EXPECT_EQ(numbers_of(sums, rows.features), numbers_of(portable, rows.features));
        }
    }
}

TEST(BatchSums, OfBlocksHaveTheSameBitsWithAllInstructions) {
    const Rows rows(75, 83);
    const std::vector<double> w = coefficients_for(rows);
    BatchSums portable = sums_for(rows, Isa::portable);
    portable.add(blocks_of(rows, 32), w, 0.5);
    for (const Isa isa : {Isa::avx2, Isa::avx512}) {
        if (is_supported(isa)) {
            BatchSums sums = sums_for(rows, isa);
            sums.add(blocks_of(rows, 32), w, 0.5);
            EXPECT_EQ(numbers_of(sums, rows.features), numbers_of(portable, rows.features));
        }
    }
}

/// Of a whole number of groups of eight features, and not; rows that are taken 32 and 8 at a time.
TEST(BatchSums, TakeBlocksOfNeighboursInAnyOrder) {
    for (const auto& [count, features] : {std::pair<Index, Index>{101, 21}, {96, 64}, {43, 2101}}) {
        const Rows rows(count, features);
        const std::vector<double> w = coefficients_for(rows);
        std::vector<Block> blocks = blocks_of(rows, 32);
        BatchSums by_rows = sums_for(rows);
        BatchSums by_blocks = sums_for(rows);
        BatchSums backwards = sums_for(rows);
        by_rows.add(rows.picked(numbers_up_to(rows.size())), w, 0.5);
        by_blocks.add(blocks, w, 0.5);
        std::ranges::reverse(blocks);
        backwards.add(blocks, w, 0.5);
        const std::vector<double> expected = numbers_of(by_rows, rows.features);
        const std::vector<double> numbers = numbers_of(by_blocks, rows.features);
        EXPECT_EQ(numbers, numbers_of(backwards, rows.features));
        for (std::size_t k = 0; k < numbers.size(); ++k) {
            const double scale =
                k < 2 ? 1 : std::ldexp(1.0, Rows::scale_exponent(static_cast<Index>(k) - 2));
            EXPECT_NEAR(numbers[k] / scale, expected[k] / scale, 1e-12) << k;
        }
    }
}

TEST(BatchSums, OfBlocksAreOfTheLossThatIsWanted) {
    const Rows rows(75, 21);
    const std::vector<double> w = coefficients_for(rows);
    const Loss focal = Loss::focal(2, 0.25);
    BatchSums by_rows(rows.exponents(), 2, rows.size(), 3, best_isa(), focal);
    BatchSums by_blocks(rows.exponents(), 2, rows.size(), 3, best_isa(), focal);
    by_rows.clear(10);
    by_blocks.clear(10);
    by_rows.add(rows.picked(numbers_up_to(rows.size())), w, 0.5);
    by_blocks.add(blocks_of(rows, 32), w, 0.5);
    EXPECT_NEAR(by_blocks.slopes(), by_rows.slopes(), 1e-12);
    EXPECT_NEAR(by_blocks.loss(), by_rows.loss(), 1e-12);
}

/// Rows of one feature, each of slope 1/2.
double sum_of_halves(const std::vector<double>& values) {
    PickedRows rows;
    rows.type = ElementType::float64;
    for (const double& value : values) {
        rows.values.push_back(reinterpret_cast<const std::byte*>(&value));
        rows.labels.push_back(0);
    }
    const std::vector<std::int16_t> exponents{0};
    const std::vector<double> none{0.0};
    BatchSums sums(exponents, 0, 4, 0, best_isa());
    sums.clear(10);
    sums.add(rows, none, 0.0);
    return sums.slopes_times_feature(0);
}

// Of four rows of terms below 1: the units are 2^-49 and 2^-99.
TEST(BatchSums, KeepMultiplesOfTheSecondUnit) {
    EXPECT_EQ(sum_of_halves({0.5, -0.5, 0x1p-98}), 0x1p-99);
    EXPECT_EQ(sum_of_halves({0.5, 0x3p-98, -0.5, 0x4p-98}), 0x7p-99);
}

TEST(BatchSums, GiveTheSameBitsWhereTermsLieBetweenTwoUnits) {
    // Half a first unit, and a whole one before it or behind it.
    EXPECT_EQ(sum_of_halves({0x1p-49, 0x2p-49}), 0x3p-50);
    EXPECT_EQ(sum_of_halves({0x2p-49, 0x1p-49}), 0x3p-50);
    // Half a second unit likewise.
    EXPECT_EQ(sum_of_halves({0x1p-99, 0x2p-99}), sum_of_halves({0x2p-99, 0x1p-99}));
}

TEST(BatchSums, KeepWhatIsFarBelowTheBound) {
    // One row of 2^30, and one of -2^30 + 2^7, and 100 of 2^-20: plain sums would lose the last.
    std::vector<double> values{0x1p30, -0x1p30};
    values.insert(values.end(), 100, 0x1p-20);
    PickedRows rows;
    rows.type = ElementType::float64;
    for (const double& value : values) {
        rows.values.push_back(reinterpret_cast<const std::byte*>(&value));
        rows.labels.push_back(0);
    }
    const std::vector<std::int16_t> exponents{31};
    BatchSums sums(exponents, 0, 102, 0, best_isa());
    sums.clear(10);
    const std::vector<double> none{0.0};
    sums.add(rows, none, 0.0);
    EXPECT_EQ(sums.slopes_times_feature(0), 50 * 0x1p-20);
    EXPECT_EQ(sums.slopes(), 51);
    EXPECT_NEAR(sums.loss(), 102 * std::log(2.0), 1e-12);
}

TEST(BatchSums, OfSparseRowsAreThoseOfDenseOnes) {
    Rows rows(90, 9);
    for (std::size_t k = 0; k < rows.values.size(); ++k) {
        rows.values[k] = k % 3 == 0 ? rows.values[k] : 0.0F;
    }
    const std::vector<double> w = coefficients_for(rows);
    std::vector<float> values;
    std::vector<std::uint32_t> indices;
    std::vector<std::size_t> offsets{0};
    for (std::size_t i = 0; i < rows.labels.size(); ++i) {
        for (Index j = 0; j < rows.features; ++j) {
            if (rows.at(i, j) != 0) {
                values.push_back(static_cast<float>(rows.at(i, j)));
                indices.push_back(static_cast<std::uint32_t>(j));
            }
        }
        offsets.push_back(values.size());
    }
    PickedRows sparse = rows.picked(numbers_up_to(rows.size()));
    for (std::size_t i = 0; i < rows.labels.size(); ++i) {
        sparse.values[i] = reinterpret_cast<const std::byte*>(values.data() + offsets[i]);
        sparse.indices.push_back(reinterpret_cast<const std::byte*>(indices.data() + offsets[i]));
        sparse.entries.push_back(static_cast<Index>(offsets[i + 1] - offsets[i]));
    }
    BatchSums of_sparse = sums_for(rows);
    BatchSums of_dense = sums_for(rows);
    of_sparse.add(sparse, w, 1.0);
    of_dense.add(rows.picked(numbers_up_to(rows.size())), w, 1.0);
    const std::vector<double> a = numbers_of(of_sparse, rows.features);
    const std::vector<double> b = numbers_of(of_dense, rows.features);
    for (std::size_t k = 0; k < a.size(); ++k) {
        EXPECT_NEAR(a[k], b[k], 1e-13 * std::max(1.0, std::abs(b[k]))) << k;
    }
}

TEST(BatchSums, OfMarginsThatAreNotFiniteAreNotFinite) {
    const Rows rows(10, 3);
    const std::vector<double> w(3, std::numeric_limits<double>::infinity());
    BatchSums sums = sums_for(rows);
    sums.add(rows.picked(numbers_up_to(rows.size())), w, 0.0);
    EXPECT_FALSE(std::isfinite(sums.slopes()));
    EXPECT_FALSE(std::isfinite(sums.loss()));
    EXPECT_FALSE(std::isfinite(sums.slopes_times_feature(0)));
}

TEST(BatchSums, HaveNoRoomForTermsThatCouldOverflow) {
    const std::vector<std::int16_t> exponents{1020};
    EXPECT_THROW(BatchSums(exponents, 0, 1024, 0, best_isa()), Error);
    EXPECT_NO_THROW(BatchSums(exponents, 0, 4, 0, best_isa()));
}

}  // namespace
}  // namespace paralogit::model
