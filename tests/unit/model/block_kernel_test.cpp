#include "paralogit/model/block_kernel.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "paralogit/model/loss.hpp"
#include "unit/model/owned_block.hpp"

namespace paralogit::model {
namespace {

using testing::all_element_types;
using testing::OwnedBlock;
using testing::random_block;
using testing::random_values;
using testing::stored_as;

constexpr Index feature_counts[] = {1, 2, 7, 8, 9, 15, 16, 17, 64, 100};

BlockSums evaluated(const Block& block, const std::vector<double>& coefficients, double intercept) {
    BlockSums sums;
    evaluate_block(block, coefficients, intercept, sums);
    return sums;
}

void expect_same_sums(const BlockSums& found, const BlockSums& expected) {
    EXPECT_EQ(found.slopes_times_features, expected.slopes_times_features);
    EXPECT_EQ(found.slopes, expected.slopes);
    EXPECT_EQ(found.loss, expected.loss);
    EXPECT_EQ(found.rows_wrong, expected.rows_wrong);
}

// The declared order, word by word.
double literal_margin(const OwnedBlock& block, Index row, const std::vector<double>& w, double b) {
    double lane[8] = {};
    for (Index j = 0; j < block.features; ++j) {
        lane[j % 8] = std::fma(block.at(row, j), w[static_cast<std::size_t>(j)], lane[j % 8]);
    }
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7])) + b;
}

BlockSums literal_sums(const OwnedBlock& block, const std::vector<double>& w, double b) {
    BlockSums sums;
    std::vector<double> weighted_slopes;
    for (Index i = 0; i < block.rows(); ++i) {
        const double z = literal_margin(block, i, w, b);
        const LossAndSlope row = binary_cross_entropy(block.label(i), z);
        const double weighted_slope = block.weight(i) * row.slope;
        const double weighted_loss = block.weight(i) * row.loss;
        weighted_slopes.push_back(weighted_slope);
        sums.slopes += weighted_slope;
        sums.loss += weighted_loss;
        const bool is_right = block.label(i) == 1 ? z > 0 : z < 0;
        sums.rows_wrong += is_right ? 0 : 1;
    }
    sums.slopes_times_features = Vector::Zero(block.features);
    for (Index j = 0; j < block.features; ++j) {
        double g = 0;
        for (Index i = 0; i < block.rows(); ++i) {
            g = std::fma(weighted_slopes[static_cast<std::size_t>(i)], block.at(i, j), g);
        }
        sums.slopes_times_features[j] = g;
    }
    return sums;
}

TEST(BlockKernel, FollowsTheDeclaredOrderBitForBit) {
    for (const Index features : feature_counts) {
        for (const bool is_weighted : {false, true}) {
            const OwnedBlock block = random_block(53, features, is_weighted, 1);
            const std::vector<double> w = random_values(features, 2);
            SCOPED_TRACE(features);
            expect_same_sums(evaluated(block.view(), w, 0.3), literal_sums(block, w, 0.3));
        }
    }
}

TEST(BlockKernel, GivesMarginsByTheSameOperations) {
    for (const Index features : feature_counts) {
        const OwnedBlock block = random_block(20, features, false, 3);
        const std::vector<double> w = random_values(features, 4);
        std::vector<double> margins(20);
        block_margins(block.view(), w, -0.7, margins);
        for (Index i = 0; i < block.rows(); ++i) {
            EXPECT_EQ(margins[static_cast<std::size_t>(i)], literal_margin(block, i, w, -0.7));
        }
    }
}

TEST(BlockKernel, GivesTheSameBitsForEveryStoredTypeOfTheSameValues) {
    for (const Index features : feature_counts) {
        OwnedBlock block = random_block(33, features, true, 5);
        for (std::size_t k = 0; k < block.values.size(); ++k) {
            block.values[k] = static_cast<double>((k * 37) % 101);
        }
        const std::vector<double> w = random_values(features, 6);
        const BlockSums expected = literal_sums(block, w, -1);
        for (const ElementType type : all_element_types()) {
            const std::vector<std::byte> stored = stored_as(type, block.values);
            SCOPED_TRACE(name_of(type));
            expect_same_sums(evaluated(block.view_of(type, stored.data()), w, -1), expected);
        }
    }
}

TEST(BlockKernel, ReadsSignedFractionsInTheFloatingTypes) {
    OwnedBlock block = random_block(9, 17, false, 7);
    for (std::size_t k = 0; k < block.values.size(); ++k) {
        block.values[k] = 50 - static_cast<double>((k * 37) % 401) / 4;
    }
    const std::vector<double> w = random_values(17, 8);
    const BlockSums expected = literal_sums(block, w, 0.25);
    for (const ElementType type :
         {ElementType::float16, ElementType::float32, ElementType::float64}) {
        const std::vector<std::byte> stored = stored_as(type, block.values);
        expect_same_sums(evaluated(block.view_of(type, stored.data()), w, 0.25), expected);
    }
}

TEST(BlockKernel, AgreesWithSumsInLongDouble) {
    for (const Index features : feature_counts) {
        const OwnedBlock block = random_block(512, features, true, 9);
        const std::vector<double> w = random_values(features, 10);
        const BlockSums found = evaluated(block.view(), w, 0.1);

        std::vector<long double> gradient(w.size());
        std::vector<long double> magnitude(w.size());
        long double slopes = 0;
        long double loss = 0;
        for (Index i = 0; i < block.rows(); ++i) {
            long double z = 0.1L + (0.1 - 0.1L);
            for (Index j = 0; j < features; ++j) {
                z += 1.0L * block.at(i, j) * w[static_cast<std::size_t>(j)];
            }
            const long double slope = 1 / (1 + std::exp(-z)) - block.label(i);
            slopes += block.weight(i) * slope;
            loss += block.weight(i) * (std::log1p(std::exp(z)) - block.label(i) * z);
            for (Index j = 0; j < features; ++j) {
                const long double term = block.weight(i) * slope * block.at(i, j);
                gradient[static_cast<std::size_t>(j)] += term;
                magnitude[static_cast<std::size_t>(j)] += std::fabs(term);
            }
        }
        for (Index j = 0; j < features; ++j) {
            const auto k = static_cast<std::size_t>(j);
            const auto error = std::fabs(found.slopes_times_features[j] - gradient[k]);
            EXPECT_LE(error, 2e-14L * magnitude[k]);
        }
        EXPECT_NEAR(found.slopes, static_cast<double>(slopes), 1e-12);
        EXPECT_NEAR(found.loss, static_cast<double>(loss), 1e-14 * static_cast<double>(loss));
    }
}

TEST(BlockKernel, HasTheGradientOfItsLoss) {
    const OwnedBlock block = random_block(200, 9, true, 11);
    const std::vector<double> w = random_values(9, 12);
    const double step = 1e-5;
    const BlockSums sums = evaluated(block.view(), w, 0.2);
    for (std::size_t j = 0; j < w.size(); ++j) {
        std::vector<double> above = w;
        std::vector<double> below = w;
        above[j] += step;
        below[j] -= step;
        const double difference =
            evaluated(block.view(), above, 0.2).loss - evaluated(block.view(), below, 0.2).loss;
        EXPECT_NEAR(sums.slopes_times_features[static_cast<Index>(j)], difference / (2 * step),
                    1e-6);
    }
    const double difference =
        evaluated(block.view(), w, 0.2 + step).loss - evaluated(block.view(), w, 0.2 - step).loss;
    EXPECT_NEAR(sums.slopes, difference / (2 * step), 1e-6);
}

TEST(BlockKernel, TurnsALabelSwapIntoASignSwapExactly) {
    const OwnedBlock block = random_block(100, 13, true, 13);
    OwnedBlock swapped = block;
    for (double& label : swapped.labels) {
        label = 1 - label;
    }
    const std::vector<double> w = random_values(13, 14);
    std::vector<double> negative_w = w;
    for (double& coefficient : negative_w) {
        coefficient = -coefficient;
    }

    const BlockSums sums = evaluated(block.view(), w, 0.4);
    const BlockSums mirrored = evaluated(swapped.view(), negative_w, -0.4);

    EXPECT_EQ(mirrored.slopes_times_features, -sums.slopes_times_features);
    EXPECT_EQ(mirrored.slopes, -sums.slopes);
    EXPECT_EQ(mirrored.loss, sums.loss);
    EXPECT_EQ(mirrored.rows_wrong, sums.rows_wrong);
}

TEST(BlockKernel, DoublesTheSumsWhenAllWeightsAreTwo) {
    OwnedBlock block = random_block(100, 13, false, 15);
    const std::vector<double> w = random_values(13, 16);
    const BlockSums once = evaluated(block.view(), w, 0.4);
    block.row_weights.assign(100, 2.0);
    const BlockSums twice = evaluated(block.view(), w, 0.4);
    EXPECT_EQ(twice.slopes_times_features, 2 * once.slopes_times_features);
    EXPECT_EQ(twice.slopes, 2 * once.slopes);
    EXPECT_EQ(twice.loss, 2 * once.loss);
    EXPECT_EQ(twice.rows_wrong, once.rows_wrong);
}

TEST(BlockKernel, TakesNoWeightsAsWeightsOfOne) {
    OwnedBlock block = random_block(100, 13, false, 17);
    const std::vector<double> w = random_values(13, 18);
    const BlockSums without = evaluated(block.view(), w, 0.4);
    block.row_weights.assign(100, 1.0);
    expect_same_sums(evaluated(block.view(), w, 0.4), without);
}

TEST(BlockKernel, IsNotChangedByAnAppendedZeroColumn) {
    for (const Index features : feature_counts) {
        const OwnedBlock block = random_block(50, features, true, 19);
        OwnedBlock wider = block;
        wider.features = features + 1;
        wider.values.clear();
        for (Index i = 0; i < block.rows(); ++i) {
            for (Index j = 0; j < features; ++j) {
                wider.values.push_back(block.at(i, j));
            }
            wider.values.push_back(0.0);
        }
        std::vector<double> w = random_values(features, 20);
        const BlockSums narrow_sums = evaluated(block.view(), w, 0.4);
        w.push_back(17.0);
        const BlockSums wide_sums = evaluated(wider.view(), w, 0.4);

        EXPECT_EQ(wide_sums.slopes_times_features.head(features),
                  narrow_sums.slopes_times_features);
        EXPECT_EQ(wide_sums.slopes_times_features[features], 0.0);
        EXPECT_EQ(wide_sums.slopes, narrow_sums.slopes);
        EXPECT_EQ(wide_sums.loss, narrow_sums.loss);
        EXPECT_EQ(wide_sums.rows_wrong, narrow_sums.rows_wrong);
    }
}

TEST(BlockKernel, IsNotChangedByRowsOfWeightZero) {
    const OwnedBlock block = random_block(50, 9, true, 21);
    const std::vector<double> w = random_values(9, 22);
    OwnedBlock longer = block;
    const OwnedBlock more = random_block(5, 9, true, 23);
    longer.values.insert(longer.values.end(), more.values.begin(), more.values.end());
    longer.labels.insert(longer.labels.end(), more.labels.begin(), more.labels.end());
    longer.row_weights.resize(55, 0.0);
    expect_same_sums(evaluated(longer.view(), w, 0.4), evaluated(block.view(), w, 0.4));
}

TEST(BlockKernel, CountsTheRowsThatAreNotStrictlyOnTheirSide) {
    OwnedBlock block;
    block.features = 1;
    block.values = {2, -2, 0, 2, -2, 0, 2, -2, 2};
    block.labels = {1, 1, 1, 0, 0, 0, 0.5, 0.9, 0.1};
    const auto wrong_rows = [&](double sign) {
        std::vector<Index> rows;
        for (std::size_t i = 0; i < block.labels.size(); ++i) {
            OwnedBlock one;
            one.features = 1;
            one.values = {block.values[i]};
            one.labels = {block.labels[i]};
            if (evaluated(one.view(), {sign}, 0).rows_wrong == 1) {
                rows.push_back(static_cast<Index>(i));
            }
        }
        return rows;
    };
    EXPECT_EQ(wrong_rows(1), (std::vector<Index>{1, 2, 3, 5, 6, 7, 8}));
    EXPECT_EQ(wrong_rows(-1), (std::vector<Index>{0, 2, 4, 5, 6, 7, 8}));
    EXPECT_EQ(evaluated(block.view(), {1}, 0).rows_wrong, 7);
    block.row_weights = {1, 0, 1, 1, 1, 0.5, 1, 1, 0};
    EXPECT_EQ(evaluated(block.view(), {1}, 0).rows_wrong, 5);
}

TEST(BlockKernel, MakesSumsThatAreNotFiniteFromAMarginThatIsNotFinite) {
    OwnedBlock block = random_block(10, 2, false, 24);
    block.values[7] = 1e308;
    const BlockSums sums = evaluated(block.view(), {1, 1e10}, 0);
    EXPECT_TRUE(std::isnan(sums.slopes));
    EXPECT_TRUE(std::isnan(sums.loss));
    EXPECT_TRUE(std::isnan(sums.slopes_times_features[1]));
}

TEST(BlockKernel, OverwritesSumsOfAnotherShape) {
    const OwnedBlock large = random_block(60, 20, false, 25);
    const OwnedBlock small = random_block(7, 3, true, 26);
    const std::vector<double> w = random_values(3, 27);
    BlockSums sums;
    evaluate_block(large.view(), random_values(20, 28), 1.0, sums);
    evaluate_block(small.view(), w, 0.1, sums);
    expect_same_sums(sums, literal_sums(small, w, 0.1));
}

TEST(BlockKernel, MakesZeroOfNoRowsAndTheInterceptOfNoFeatures) {
    OwnedBlock block;
    block.features = 3;
    const BlockSums no_rows = evaluated(block.view(), {1, 2, 3}, 1);
    EXPECT_EQ(no_rows.slopes_times_features, Vector::Zero(3));
    EXPECT_EQ(no_rows.loss, 0.0);

    block.features = 0;
    block.labels = {1, 0};
    const BlockSums no_features = evaluated(block.view(), {}, 0);
    EXPECT_EQ(no_features.loss, 2 * binary_cross_entropy(1, 0).loss);
    EXPECT_EQ(no_features.slopes, 0.0);
}

TEST(RowsPerBlock, IsAPowerOfTwoThatDependsOnTheFeatures) {
    EXPECT_EQ(rows_per_block(0), 1024);
    EXPECT_EQ(rows_per_block(1), 1024);
    EXPECT_EQ(rows_per_block(64), 1024);
    EXPECT_EQ(rows_per_block(65), 512);
    EXPECT_EQ(rows_per_block(100), 512);
    EXPECT_EQ(rows_per_block(2048), 32);
    EXPECT_EQ(rows_per_block(1000000000), 32);
}

}  // namespace
}  // namespace paralogit::model
