#include <gtest/gtest.h>

#include <algorithm>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>
#include <tuple>
#include <utility>
#include <vector>

#include "paralogit/model/batch_sums.hpp"
#include "unit/model/batch_rows.hpp"

// Sums of rows that come in groups.

namespace paralogit::model {
namespace {

using testing::BatchRows;
using testing::coefficients_for;
using testing::numbers_of;
using testing::numbers_up_to;
using testing::sums_for;

using Wide = boost::multiprecision::number<
    boost::multiprecision::cpp_bin_float<300, boost::multiprecision::digit_base_2>>;

/// The rows [first, end) in order, in groups that end there; rows of weight 0 fill up the last
/// eight of each, whatever follows in memory.
PickedRows in_groups(const BatchRows& rows, std::size_t first,
                     const std::vector<std::size_t>& ends) {
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
BatchRows with_rows_behind(Index count, Index features) {
    BatchRows rows(count + 8, features);
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
        const BatchRows rows = with_rows_behind(count, features);
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
        const BatchRows rows = with_rows_behind(128, features);
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
            BatchRows other = rows;
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
    const BatchRows rows = with_rows_behind(184, 20);
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
    const BatchRows rows = with_rows_behind(75, 37);
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
    const BatchRows rows = with_rows_behind(40, 5);
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
        const int scale = k < 2 ? 0 : BatchRows::scale_exponent(static_cast<Index>(k) - 2);
        EXPECT_NEAR(std::ldexp(grouped[k], -scale), std::ldexp(alone[k], -scale), 1e-13) << k;
    }
}

}  // namespace
}  // namespace paralogit::model
