#include "paralogit/data/synthetic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "data_files.hpp"
#include "paralogit/model/column_scan.hpp"

namespace paralogit::data {
namespace {

using testing::HasSubstr;

constexpr std::array all_types{ElementType::float16, ElementType::float32, ElementType::float64,
                               ElementType::int8,    ElementType::int16,   ElementType::int32,
                               ElementType::int64,   ElementType::uint8,   ElementType::uint16,
                               ElementType::uint32,  ElementType::uint64};

struct Rows {
    std::vector<std::byte> values;
    std::vector<std::uint8_t> labels;

    bool operator==(const Rows&) const = default;
};

Rows make(const SyntheticOptions& options, Index first, Index count) {
    Rows rows;
    rows.values.resize(static_cast<std::size_t>(count * options.features) * size_of(options.type));
    rows.labels.resize(static_cast<std::size_t>(count));
    make_rows(options, first, count, rows.values, rows.labels);
    return rows;
}

/// All values as doubles, row-major.
std::vector<double> widened(const SyntheticOptions& options, const Rows& rows) {
    std::vector<double> values(rows.values.size() / size_of(options.type));
    model::widen_row(options.type, rows.values.data(), values);
    return values;
}

struct Moments {
    double mean = 0;
    double deviation = 0;
};

Moments moments_of_column(const std::vector<double>& values, std::size_t features,
                          std::size_t column) {
    const std::size_t rows = values.size() / features;
    const double count = static_cast<double>(rows);
    double sum = 0;
    double squares = 0;
    for (std::size_t i = column; i < values.size(); i += features) {
        sum += values[i];
        squares += values[i] * values[i];
    }
    const double mean = sum / count;
    return {.mean = mean, .deviation = std::sqrt(squares / count - mean * mean)};
}

double correlation(const std::vector<double>& values, std::size_t features, std::size_t a,
                   std::size_t b) {
    const Moments ma = moments_of_column(values, features, a);
    const Moments mb = moments_of_column(values, features, b);
    const std::size_t rows = values.size() / features;
    double sum = 0;
    for (std::size_t i = 0; i < rows; ++i) {
        sum += (values[i * features + a] - ma.mean) * (values[i * features + b] - mb.mean);
    }
    return sum / static_cast<double>(rows) / (ma.deviation * mb.deviation);
}

/// Whether a perceptron finds a hyperplane with all rows on their sides.
bool are_separable(const std::vector<double>& values, const std::vector<std::uint8_t>& labels) {
    const std::size_t features = values.size() / labels.size();
    std::vector<double> w(features + 1);
    for (int round = 0; round < 20'000; ++round) {
        bool is_clean = true;
        for (std::size_t i = 0; i < labels.size(); ++i) {
            double margin = w[features];
            for (std::size_t j = 0; j < features; ++j) {
                margin += w[j] * values[i * features + j];
            }
            const double side = labels[i] == 1 ? 1 : -1;
            if (margin * side <= 0) {
                is_clean = false;
                for (std::size_t j = 0; j < features; ++j) {
                    w[j] += side * values[i * features + j];
                }
                w[features] += side;
            }
        }
        if (is_clean) {
            return true;
        }
    }
    return false;
}

TEST(Synthetic, IsTheSameForAnySplitOfTheRows) {
    for (const ElementType type : all_types) {
        SyntheticOptions options{.rows = 60, .features = 7, .type = type, .seed = 3};
        options.correlation = 0.3;
        const Rows whole = make(options, 0, 60);

        Rows joined;
        Index first = 0;
        for (const Index end : {1, 1, 20, 59, 60}) {
            const Rows part = make(options, first, end - first);
            joined.values.insert(joined.values.end(), part.values.begin(), part.values.end());
            joined.labels.insert(joined.labels.end(), part.labels.begin(), part.labels.end());
            first = end;
        }

        EXPECT_EQ(joined, whole) << name_of(type);
    }
}

TEST(Synthetic, ChangesWithTheSeed) {
    SyntheticOptions options{.rows = 10, .features = 3};
    const Rows first = make(options, 0, 10);
    options.seed += std::uint64_t{1} << 32U;

    EXPECT_NE(make(options, 0, 10).values, first.values);
}

TEST(Synthetic, HasStandardMomentsAndTheCorrelationAskedFor) {
    for (const double wanted : {0.0, 0.6}) {
        SyntheticOptions options{.rows = 20'000, .features = 5, .correlation = wanted};
        options.type = ElementType::float64;
        const Rows rows = make(options, 0, options.rows);
        const std::vector<double> values = widened(options, rows);

        for (std::size_t j = 0; j < 5; ++j) {
            EXPECT_NEAR(moments_of_column(values, 5, j).mean, 0, 0.03);
            EXPECT_NEAR(moments_of_column(values, 5, j).deviation, 1, 0.03);
        }
        EXPECT_NEAR(correlation(values, 5, 0, 1), wanted, 0.03);
        EXPECT_NEAR(correlation(values, 5, 1, 4), wanted, 0.03);
        double positives = 0;
        for (const std::uint8_t label : rows.labels) {
            positives += label;
        }
        EXPECT_NEAR(positives / 20'000, 0.5, 0.02);
    }
}

TEST(Synthetic, SpreadsTheScalesOverTheDecades) {
    SyntheticOptions options{.rows = 5000, .features = 5, .scale_decades = 4};
    const std::vector<double> values = widened(options, make(options, 0, 5000));

    for (std::size_t j = 0; j < 5; ++j) {
        const double wanted = std::pow(10.0, -static_cast<double>(j));
        EXPECT_NEAR(moments_of_column(values, 5, j).deviation / wanted, 1, 0.05);
    }
}

TEST(Synthetic, UsesASixthOfTheRangeOfIntegersAsStandardDeviation) {
    for (const ElementType type : all_types) {
        if (type <= ElementType::float64) {
            continue;
        }
        const SyntheticOptions options{.rows = 5000, .features = 2, .type = type};
        const bool is_unsigned = type >= ElementType::uint8;
        const double range = size_of(type) == 1 ? 256 : 1000;
        const Moments moments = moments_of_column(widened(options, make(options, 0, 5000)), 2, 1);

        EXPECT_NEAR(moments.deviation, range / 6, range / 150) << name_of(type);
        EXPECT_NEAR(moments.mean, is_unsigned ? range / 2 : 0, range / 100) << name_of(type);
    }
}

TEST(Synthetic, StoresTheSameValuesRoundedToTheType) {
    SyntheticOptions options{.rows = 100, .features = 4, .type = ElementType::float64};
    const std::vector<double> exact = widened(options, make(options, 0, 100));

    for (const auto& [type, precision] :
         {std::pair(ElementType::float32, 0x1p-24), std::pair(ElementType::float16, 0x1p-11)}) {
        options.type = type;
        const std::vector<double> rounded = widened(options, make(options, 0, 100));
        for (std::size_t i = 0; i < exact.size(); ++i) {
            ASSERT_NEAR(rounded[i], exact[i], precision * std::abs(exact[i]) + 0x1p-25);
        }
    }
}

TEST(Synthetic, IsSeparableWithoutNoiseInEveryType) {
    for (const ElementType type : all_types) {
        SyntheticOptions options{.rows = 150, .features = 4, .noise = 0, .type = type, .seed = 5};
        const Rows rows = make(options, 0, options.rows);
        std::vector<double> values = widened(options, rows);
        // Centred and scaled, which a perceptron needs to be done in time.
        for (std::size_t j = 0; j < 4; ++j) {
            const Moments moments = moments_of_column(values, 4, j);
            for (std::size_t i = j; i < values.size(); i += 4) {
                values[i] = (values[i] - moments.mean) / moments.deviation;
            }
        }

        EXPECT_TRUE(are_separable(values, rows.labels)) << name_of(type);
    }
}

TEST(Synthetic, MixesTheClassesByTheLogisticLaw) {
    // One feature: the signal is plus or minus the feature, so that the labels follow
    // sigmoid(pi / sqrt(3) / noise * signal).
    SyntheticOptions options{.rows = 40'000, .features = 1, .noise = 2};
    options.type = ElementType::float64;
    const Rows rows = make(options, 0, options.rows);
    const std::vector<double> x = widened(options, rows);

    double slope_sum = 0;
    double curvature = 0;
    double association = 0;
    const double steepness = std::acos(-1.0) / std::sqrt(3.0) / options.noise;
    for (std::size_t i = 0; i < x.size(); ++i) {
        association += x[i] * (rows.labels[i] - 0.5);
    }
    const double sign = association > 0 ? 1 : -1;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double p = 1 / (1 + std::exp(-sign * steepness * x[i]));
        slope_sum += sign * x[i] * (rows.labels[i] - p);
        curvature += x[i] * x[i] * p * (1 - p);
    }

    // The score of the true model: a standard normal variable by now.
    EXPECT_LT(std::abs(slope_sum / std::sqrt(curvature)), 3.5);
    EXPECT_GT(std::abs(association), 1000);
}

TEST(Synthetic, RefusesOptionsOutOfRange) {
    const SyntheticOptions good{.rows = 1, .features = 1};
    const auto refused = [&](auto&& spoil) {
        SyntheticOptions options = good;
        spoil(options);
        const Error error = error_of([&] { check(options); });
        EXPECT_EQ(error.code(), ExitCode::usage);
        return std::string(error.what());
    };
    const double nan = std::numeric_limits<double>::quiet_NaN();
    check(good);

    EXPECT_THAT(refused([](auto& o) { o.rows = 0; }), HasSubstr("--rows 0: must be at least 1"));
    EXPECT_THAT(refused([](auto& o) { o.features = -1; }), HasSubstr("--features -1"));
    EXPECT_THAT(refused([](auto& o) { o.correlation = 1; }),
                HasSubstr("--correlation 1: must be in [0, 1)"));
    EXPECT_THAT(refused([&](auto& o) { o.correlation = nan; }), HasSubstr("--correlation nan"));
    EXPECT_THAT(refused([](auto& o) { o.noise = -0.5; }), HasSubstr("--noise -0.5"));
    EXPECT_THAT(refused([&](auto& o) { o.noise = nan; }), HasSubstr("--noise nan"));
    EXPECT_THAT(refused([](auto& o) { o.scale_decades = -1; }), HasSubstr("--scale-decades -1"));
    EXPECT_THAT(refused([](auto& o) {
                    o.scale_decades = 1;
                    o.type = ElementType::uint8;
                }),
                HasSubstr("--scale-decades 1: must be 0 for the integer type uint8"));
}

}  // namespace
}  // namespace paralogit::data
