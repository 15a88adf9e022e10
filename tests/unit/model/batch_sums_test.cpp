#include "paralogit/model/batch_sums.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <tuple>
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
        // Whatever lies behind the last row.
        values.insert(values.end(), PickedRows::bytes_behind / sizeof(float), 7.0F);
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

TEST(BatchSums, GiveTheSameBitsWithLabelsOfOneByte) {
    const Rows rows(75, 19);
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

/// The loss and the slopes of three rows, by the formulas of the focal loss.
TEST(BatchSums, AreOfTheLossThatIsWanted) {
    const Rows rows(3, 5);
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
        const Rows rows(count, features);
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

/// The rows [first, end) in order, in groups that end there; rows of weight 0 fill up the last
/// eight of each, whatever follows in memory.
PickedRows in_groups(const Rows& rows, std::size_t first, const std::vector<std::size_t>& ends) {
    PickedRows picked;
    picked.type = ElementType::float32;
    for (const std::size_t end : ends) {
        for (; first < end; first += std::min<std::size_t>(8, end - first)) {
            picked.values.push_back(reinterpret_cast<const std::byte*>(
                rows.values.data() + first * static_cast<std::size_t>(rows.features)));
            for (std::size_t i = first; i < first + 8; ++i) {
                picked.labels.push_back(i < end ? rows.labels[i] : 0.0);
                picked.row_weights.push_back(i < end ? rows.weights[i] : 0.0);
            }
        }
        picked.group_ends.push_back(std::ssize(picked.labels));
    }
    return picked;
}

/// So many rows that eight more may follow the last of them.
Rows with_rows_behind(Index count, Index features) {
    Rows rows(count + 8, features);
    rows.labels.resize(static_cast<std::size_t>(count));
    rows.weights.resize(static_cast<std::size_t>(count));
    return rows;
}

std::vector<std::size_t> ends_of_groups(Index rows, std::size_t group) {
    std::vector<std::size_t> ends;
    for (std::size_t end = group; end < static_cast<std::size_t>(rows); end += group) {
        ends.push_back(end);
    }
    ends.push_back(static_cast<std::size_t>(rows));
    return ends;
}

/// Slope and loss of each row by itself, and what groups of such slopes add up to, row by row.
TEST(BatchSums, OfGroupsAreThoseOfTheirRowsInOrder) {
    for (const auto& [count, features, group] : {std::tuple<Index, Index, std::size_t>{1, 1, 32},
                                                 {64, 28, 32},
                                                 {101, 13, 32},
                                                 {120, 20, 24},
                                                 {90, 64, 7},
                                                 {75, 130, 32},
                                                 {64, 13, 8},
                                                 {300, 20, 32},
                                                 {50, 2101, 20}}) {
        const Rows rows = with_rows_behind(count, features);
        const std::vector<double> w = coefficients_for(rows);
        const std::vector<std::size_t> ends = ends_of_groups(count, group);
        BatchSums sums = sums_for(rows);
        sums.add(in_groups(rows, 0, ends), w, 0.5);

        Wide loss = 0;
        Wide all_slopes = 0;
        std::vector<Wide> expected(static_cast<std::size_t>(features));
        std::size_t i = 0;
        for (const std::size_t end : ends) {
            std::vector<double> term(static_cast<std::size_t>(features));
            for (; i < end; ++i) {
                BatchSums single = sums_for(rows);
                single.add(rows.picked({i}), w, 0.5);
                const double slope = single.slopes();
                loss += single.loss();
                all_slopes += slope;
                for (std::size_t j = 0; j < term.size(); ++j) {
                    term[j] = std::fma(slope, rows.at(i, static_cast<Index>(j)), term[j]);
                }
            }
            for (std::size_t j = 0; j < term.size(); ++j) {
                expected[j] += term[j];
            }
        }
        for (std::size_t j = 0; j < expected.size(); ++j) {
            EXPECT_EQ(sums.slopes_times_feature(static_cast<Index>(j)),
                      static_cast<double>(expected[j]))
                << count << " x " << features << ", feature " << j;
        }
        EXPECT_NEAR(sums.slopes(), static_cast<double>(all_slopes), 1e-12);
        EXPECT_NEAR(sums.loss(), static_cast<double>(loss), 1e-12);
    }
}

/// In any order, in memory here or there, by any instructions; and whatever is added next.
TEST(BatchSums, OfGroupsHaveTheSameBitsWhereverTheyAreAdded) {
    // Of the narrow rows two eights are at work at a time.
    for (const Index features : {Index{20}, Index{45}}) {
        const Rows rows = with_rows_behind(128, features);
        const std::vector<double> w = coefficients_for(rows);
        BatchSums portable = sums_for(rows, Isa::portable);
        portable.add(in_groups(rows, 0, {32, 64, 77, 96, 128}), w, 0.5);
        const std::vector<double> expected = numbers_of(portable, rows.features);

        for (const Isa isa : {Isa::portable, Isa::avx2, Isa::avx512}) {
            if (!is_supported(isa)) {
                continue;
            }
            // The last two groups first, by another; of the others some eights lie elsewhere.
            BatchSums first = sums_for(rows, isa);
            BatchSums second = sums_for(rows, isa);
            PickedRows picked = in_groups(rows, 77, {96, 128});
            picked.next_values.assign(100, picked.values.front());
            second.add(picked, w, 0.5);
            Rows other = rows;
            picked = in_groups(other, 0, {32, 64, 77});
            const PickedRows elsewhere = in_groups(rows, 0, {32, 64, 77});
            for (const std::size_t eight : {1UL, 4UL, 9UL}) {
                picked.values[eight] = elsewhere.values[eight];
                std::fill_n(other.values.begin() + static_cast<Index>(eight) * 8 * features,
                            8 * features, 9.0F);
            }
            first.add(picked, w, 0.5);
            second.add(first);
            EXPECT_EQ(numbers_of(second, rows.features), expected)
                << static_cast<int>(isa) << ": " << features;
        }
    }
}

/// Eight groups share a logarithm: with whichever others each is.
TEST(BatchSums, OfManyGroupsHaveTheSameBitsInAnyCompany) {
    const Rows rows = with_rows_behind(184, 20);
    const std::vector<double> w = coefficients_for(rows);
    BatchSums portable = sums_for(rows, Isa::portable);
    portable.add(in_groups(rows, 0, ends_of_groups(rows.size(), 8)), w, 0.5);
    const std::vector<double> expected = numbers_of(portable, rows.features);
    for (const Isa isa : {Isa::portable, Isa::avx2, Isa::avx512}) {
        if (!is_supported(isa)) {
            continue;
        }
        // 3 groups, then 9, then 11.
        BatchSums sums = sums_for(rows, isa);
        for (const auto& [first, end] :
             {std::pair<std::size_t, std::size_t>{160, 184}, {0, 72}, {72, 160}}) {
            std::vector<std::size_t> ends;
            for (std::size_t at = first + 8; at <= end; at += 8) {
                ends.push_back(at);
            }
            sums.add(in_groups(rows, first, ends), w, 0.5);
        }
        EXPECT_EQ(numbers_of(sums, rows.features), expected) << static_cast<int>(isa);
    }
}

/// Of doubles, whose margins and products take turns.
TEST(BatchSums, OfGroupsHaveTheSameBitsInAnyStoredType) {
    const Rows rows = with_rows_behind(75, 37);
    const std::vector<double> w = coefficients_for(rows);
    const PickedRows of_floats = in_groups(rows, 0, {32, 64, 75});
    const std::vector<double> doubles(rows.values.begin(), rows.values.end());
    for (const Isa isa : {Isa::portable, Isa::avx2, Isa::avx512}) {
        if (!is_supported(isa)) {
            continue;
        }
        PickedRows of_doubles = of_floats;
        of_doubles.type = ElementType::float64;
        for (std::size_t k = 0; k < of_doubles.values.size(); ++k) {
            const auto element =
                (of_floats.values[k] - reinterpret_cast<const std::byte*>(rows.values.data())) /
                static_cast<std::ptrdiff_t>(sizeof(float));
            of_doubles.values[k] = reinterpret_cast<const std::byte*>(doubles.data() + element);
        }
        BatchSums expected = sums_for(rows, isa);
        expected.add(of_floats, w, 0.5);
        BatchSums sums = sums_for(rows, isa);
        sums.add(of_doubles, w, 0.5);
        EXPECT_EQ(numbers_of(sums, rows.features), numbers_of(expected, rows.features));
    }
}

TEST(BatchSums, OfGroupsAreOfTheLossThatIsWanted) {
    const Rows rows = with_rows_behind(40, 5);
    const std::vector<double> w = coefficients_for(rows);
    const auto sums_of = [&](const PickedRows& picked) {
        BatchSums sums(rows.exponents(), 2, rows.size(), 3, best_isa(), Loss::focal(2, 0.25));
        sums.clear(10);
        sums.add(picked, w, 0.5);
        return numbers_of(sums, rows.features);
    };
    const std::vector<double> alone = sums_of(rows.picked(numbers_up_to(rows.size())));
    const std::vector<double> grouped = sums_of(in_groups(rows, 0, {32, 40}));
    for (std::size_t k = 0; k < alone.size(); ++k) {
        const int scale = k < 2 ? 0 : Rows::scale_exponent(static_cast<Index>(k) - 2);
        EXPECT_NEAR(std::ldexp(grouped[k], -scale), std::ldexp(alone[k], -scale), 1e-13) << k;
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
