#include "paralogit/data/sparse_synthetic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "data_files.hpp"
#include "paralogit/model/column_scan.hpp"

namespace paralogit::data {
namespace {

using testing::HasSubstr;

struct SparseRow {
    std::vector<std::int32_t> columns;
    std::vector<double> values;
    std::uint8_t label = 0;

    bool operator==(const SparseRow&) const = default;
};

std::vector<SparseRow> make(const SyntheticOptions& options, Index first, Index count) {
    const EntryCounts counts(options);
    SparseRowMaker maker(options);
    std::vector<SparseRow> rows;
    for (Index row = first; row < first + count; ++row) {
        const auto entries = static_cast<std::size_t>(counts.of_row(row));
        SparseRow made{.columns = std::vector<std::int32_t>(entries),
                       .values = std::vector<double>(entries)};
        std::vector<std::byte> bytes(entries * size_of(options.type));
        made.label = maker.make_row(row, made.columns, bytes);
        model::widen_row(options.type, bytes.data(), made.values);
        rows.push_back(made);
    }
    return rows;
}

/// The part of the rows that have each feature.
std::vector<double> frequencies(const std::vector<SparseRow>& rows, Index features) {
    std::vector<double> parts(static_cast<std::size_t>(features));
    for (const SparseRow& row : rows) {
        for (const std::int32_t column : row.columns) {
            parts.at(static_cast<std::size_t>(column)) += 1 / static_cast<double>(rows.size());
        }
    }
    return parts;
}

TEST(SparseSynthetic, HasDistinctRisingFeaturesInRangeAtAnyDensity) {
    for (const double density : {1e-9, 0.01, 0.12, 0.13, 0.5, 0.95, 1.0}) {
        for (const Index features : {1, 2, 9, 300}) {
            const SyntheticOptions options{.rows = 100, .features = features, .density = density};
            check(options);
            for (const SparseRow& row : make(options, 0, options.rows)) {
                ASSERT_GE(row.columns.size(), 1);
                ASSERT_LE(std::ssize(row.columns), EntryCounts(options).most());
                ASSERT_GE(row.columns.front(), 0);
                ASSERT_LT(row.columns.back(), features);
                for (std::size_t i = 1; i < row.columns.size(); ++i) {
                    ASSERT_LT(row.columns[i - 1], row.columns[i]);
                }
            }
        }
    }
}

TEST(SparseSynthetic, HasAboutTheDensityAskedFor) {
    constexpr Index rows = 20'000;
    for (const double density : {0.0013, 0.05, 0.6, 1.0}) {
        const SyntheticOptions options{.rows = rows, .features = 2000, .density = density};
        const EntryCounts counts(options);
        const auto entries = static_cast<double>(counts.of_rows(0, rows));

        EXPECT_NEAR(entries / (density * 2000 * rows), 1, 0.02) << density;
        EXPECT_EQ(counts.of_rows(0, 77) + counts.of_rows(77, rows), counts.of_rows(0, rows));
    }
}

TEST(SparseSynthetic, IsTheSameForAnySplitOfTheRows) {
    for (const double density : {0.02, 0.4}) {
        SyntheticOptions options{.rows = 60, .features = 200, .seed = 3, .density = density};
        const std::vector<SparseRow> whole = make(options, 0, 60);

        std::vector<SparseRow> joined;
        Index first = 0;
        for (const Index end : {1, 1, 20, 59, 60}) {
            const std::vector<SparseRow> part = make(options, first, end - first);
            joined.insert(joined.end(), part.begin(), part.end());
            first = end;
        }

        EXPECT_EQ(joined, whole);
        options.seed += 1;
        EXPECT_NE(make(options, 0, 60), whole);
    }
}

TEST(SparseSynthetic, DrawsFeaturesByAPowerLaw) {
    // One entry a row: its feature is j with the probability (x_j - x_j+1) / (x_1 - x_D+1) where
    // x_j = j^-0.1.
    constexpr Index features = 5000;
    const SyntheticOptions options{.rows = 100'000, .features = features, .density = 1e-4};
    const std::vector<double> parts = frequencies(make(options, 0, options.rows), features);

    const double whole = 1 - std::pow(features + 1.0, -0.1);
    const auto wanted = [&](double first, double end) {
        return (std::pow(first, -0.1) - std::pow(end, -0.1)) / whole;
    };
    const auto found = [&](std::size_t first, std::size_t end) {
        double sum = 0;
        for (std::size_t j = first; j < end; ++j) {
            sum += parts[j - 1];
        }
        return sum;
    };
    for (const auto& [first, end] : {std::pair(1, 2), {2, 3}, {3, 10}, {10, 500}, {500, 5001}}) {
        EXPECT_NEAR(found(static_cast<std::size_t>(first), static_cast<std::size_t>(end)),
                    wanted(first, end), 0.005)
            << first;
    }
}

TEST(SparseSynthetic, DrawsByTheSameLawWhereRowsHaveMuchOfTheFeatures) {
    // One entry of 7 features is more than an eighth, and one of 15 is not.
    const SyntheticOptions much{.rows = 20'000, .features = 7, .density = 1e-3};
    const SyntheticOptions little{.rows = 20'000, .features = 15, .density = 1e-3};
    const std::vector<double> by_keys = frequencies(make(much, 0, much.rows), 7);
    const std::vector<double> one_by_one = frequencies(make(little, 0, little.rows), 15);

    for (std::size_t j = 0; j < 7; ++j) {
        EXPECT_NEAR(by_keys[j] / by_keys[0], one_by_one[j] / one_by_one[0], 0.03) << j;
    }
}

TEST(SparseSynthetic, HoldsScaledNormalValuesAndNoZeros) {
    for (const ElementType type : {ElementType::float32, ElementType::int8, ElementType::uint8}) {
        const SyntheticOptions options{.rows = 4000, .features = 100, .type = type, .density = 0.1};
        const double scale = type == ElementType::float32 ? 1 : 255.0 / 6;
        double sum = 0;
        double squares = 0;
        double count = 0;
        for (const SparseRow& row : make(options, 0, options.rows)) {
            for (const double value : row.values) {
                ASSERT_NE(value, 0);
                sum += value / scale;
                squares += value * value / scale / scale;
                count += 1;
            }
        }
        const double mean = type == ElementType::uint8 ? std::sqrt(2 / std::acos(-1.0)) : 0;
        EXPECT_NEAR(sum / count, mean, 0.03) << name_of(type);
        EXPECT_NEAR(squares / count, 1, 0.03) << name_of(type);
    }
}

TEST(SparseSynthetic, MixesTheClassesAsMuchAsTheNoiseSays) {
    // A normal signal and noise of the same deviation: the noise turns about a quarter of the
    // signs.
    for (const Index features : {300, 20'000}) {
        SyntheticOptions options{.rows = 20'000, .features = features, .noise = 0};
        options.density = 15.0 / static_cast<double>(features);
        const std::vector<SparseRow> clean = make(options, 0, options.rows);
        options.noise = 1;
        const std::vector<SparseRow> noisy = make(options, 0, options.rows);

        double turned = 0;
        for (std::size_t i = 0; i < clean.size(); ++i) {
            ASSERT_EQ(clean[i].values, noisy[i].values);
            turned += clean[i].label == noisy[i].label ? 0 : 1;
        }
        EXPECT_NEAR(turned / 20'000, 0.24, 0.03) << features;
    }
}

TEST(SparseSynthetic, IsSeparableByALineThroughTheOriginWithoutNoise) {
    for (const ElementType type : {ElementType::float32, ElementType::int8, ElementType::uint8}) {
        const SyntheticOptions options{
            .rows = 100, .features = 6, .noise = 0, .type = type, .density = 0.5};
        const std::vector<SparseRow> rows = make(options, 0, options.rows);
        std::vector<double> w(6);
        std::size_t wrong = 1;
        for (int round = 0; round < 20'000 && wrong > 0; ++round) {
            wrong = 0;
            for (const SparseRow& row : rows) {
                double margin = 0;
                for (std::size_t i = 0; i < row.columns.size(); ++i) {
                    margin += w[static_cast<std::size_t>(row.columns[i])] * row.values[i];
                }
                const double side = row.label == 1 ? 1 : -1;
                if (margin * side <= 0) {
                    ++wrong;
                    for (std::size_t i = 0; i < row.columns.size(); ++i) {
                        w[static_cast<std::size_t>(row.columns[i])] += side * row.values[i];
                    }
                }
            }
        }
        EXPECT_EQ(wrong, 0) << name_of(type);
    }
}

TEST(SparseSynthetic, RefusesDensitiesOutOfRangeAndCorrelation) {
    SyntheticOptions options{.rows = 5, .features = 5, .density = 0.5};
    check(options);
    for (const double density : {0.0, -0.1, 1.01, std::nan("")}) {
        options.density = density;
        const Error error = error_of([&] { check(options); });
        EXPECT_EQ(error.code(), ExitCode::usage);
        EXPECT_THAT(error.what(), HasSubstr("must be in (0, 1]"));
    }
    options.density = 0.5;
    options.correlation = 0.1;
    EXPECT_THAT(error_of([&] { check(options); }).what(),
                HasSubstr("--correlation 0.1: must be 0 with --density"));
}

}  // namespace
}  // namespace paralogit::data
