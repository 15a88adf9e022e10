#include "paralogit/model/batch_sums.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "paralogit/base/error.hpp"
#include "unit/model/batch_rows.hpp"

namespace paralogit::model {
namespace {

using testing::BatchRows;
using testing::coefficients_for;
using testing::numbers_of;
using testing::numbers_up_to;
using testing::sums_for;

using Wide = boost::multiprecision::number<
    boost::multiprecision::cpp_bin_float<300, boost::multiprecision::digit_base_2>>;

TEST(BatchSums, AreThoseOfTheRows) {
    const BatchRows rows(101, 13);
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
            k < 2 ? 1 : std::ldexp(1.0, BatchRows::scale_exponent(static_cast<Index>(k) - 2));
        EXPECT_NEAR(numbers[k] / scale, exact / scale, 1e-12) << k;
    }
}

TEST(BatchSums, GiveTheSameBitsInAnyOrderAndAnyGrouping) {
    const BatchRows rows(203, 21);
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

TEST(BatchSums, GiveTheSameBitsWithLabelsOfOneByte) {
    const BatchRows rows(75, 19);
    const std::vector<double> w = coefficients_for(rows);
    PickedRows picked = rows.picked(numbers_up_to(rows.size()));
    BatchSums expected = sums_for(rows);
    expected.add(picked, w, 0.5);
    picked.hard_labels.assign(picked.labels.begin(), picked.labels.end());
    picked.labels.clear();
    BatchSums sums = sums_for(rows);
    sums.add(picked, w, 0.5);
    EXPECT_EQ(numbers_of(sums, rows.features), numbers_of(expected, rows.features));
}

TEST(BatchSums, GiveTheSameBitsWithAllInstructions) {
    const BatchRows rows(75, 19);
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

/// The loss and the slopes of three rows, by the formulas of the focal loss.
TEST(BatchSums, AreOfTheLossThatIsWanted) {
    const BatchRows rows(3, 5);
    const std::vector<double> none(5, 0.0);
    const double b = 0.5;
    BatchSums sums(rows.exponents(), 2, rows.size(), 3, best_isa(), Loss::focal(2, 0.25));
    sums.clear(10);
    sums.add(rows.picked(numbers_up_to(rows.size())), none, b);
    double loss = 0;
    for (std::size_t i = 0; i < 3; ++i) {
        const bool is_positive = rows.labels[i] == 1;
        const double p = 1 / (1 + std::exp(is_positive ? -b : b));
        loss -= rows.weights[i] * (is_positive ? 0.25 : 0.75) * (1 - p) * (1 - p) * std::log(p);
    }
    EXPECT_NEAR(sums.loss(), loss, 1e-14);
}

/// Rows of all lengths are taken in steps of eight or sixteen; what is added next, or lies behind
/// a row, leaves no trace.
TEST(BatchSums, HaveNothingOfTheRowsThatComeNext) {
    for (const auto& [count, features] : {std::pair<Index, Index>{1, 1},
                                          {8, 8},
                                          {16, 7},
                                          {17, 64},
                                          {101, 21},
                                          {96, 83},
                                          {43, 2101}}) {
        const BatchRows rows(count, features);
        const std::vector<double> w = coefficients_for(rows);
        PickedRows picked = rows.picked(numbers_up_to(count));
        BatchSums alone = sums_for(rows);
        alone.add(picked, w, 0.5);
        picked.next_values.assign(100, picked.values.front());
        BatchSums followed = sums_for(rows);
        followed.add(picked, w, 0.5);
        EXPECT_EQ(numbers_of(followed, features), numbers_of(alone, features)) << count;
        BatchSums one_by_one = sums_for(rows);
        for (const std::size_t row : numbers_up_to(count)) {
            one_by_one.add(rows.picked({row}), w, 0.5);
        }
        EXPECT_EQ(numbers_of(one_by_one, features), numbers_of(alone, features)) << count;
    }
}

/// A value each, and something behind the last of them.
PickedRows rows_of_one_feature(std::vector<double>& values) {
    const std::size_t count = values.size();
    values.insert(values.end(), PickedRows::bytes_behind / sizeof(double), 7.0);
    PickedRows rows;
    rows.type = ElementType::float64;
    for (std::size_t i = 0; i < count; ++i) {
        rows.values.push_back(reinterpret_cast<const std::byte*>(values.data() + i));
        rows.labels.push_back(0);
    }
    return rows;
}

/// Of rows of one feature, each of slope 1/2.
double sum_of_halves(std::vector<double> values) {
    const PickedRows rows = rows_of_one_feature(values);
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
    const PickedRows rows = rows_of_one_feature(values);
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
    BatchRows rows(90, 9);
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
    const BatchRows rows(10, 3);
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
