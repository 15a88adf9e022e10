// What holds between the sums of blocks that differ in one thing, and of sums with their oracles.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "paralogit/model/block_kernel.hpp"
#include "paralogit/model/loss.hpp"
#include "unit/model/kernel_cases.hpp"

namespace paralogit::model {
namespace {

using testing::evaluated;
using testing::expect_same_sums;
using testing::multiply_block_hessian;
using testing::OwnedBlock;
using testing::random_block;
using testing::random_values;
using testing::supported_isas;
using testing::take_weights;
using testing::Weights;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr Index few_feature_counts[] = {1, 2, 7, 8, 9, 15, 16, 17, 64, 100};

TEST(BlockKernel, AgreesWithSumsInLongDouble) {
    for (const Index features : few_feature_counts) {
        const OwnedBlock block = random_block(512, features, true, 9);
        const std::vector<double> w = random_values(features, 10);
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
        const BlockSums found = evaluated(block.view(), w, 0.1);
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
    for (const Index features : few_feature_counts) {
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
    for (const Isa isa : supported_isas()) {
        for (const double bad : {infinity, -infinity, nan_value}) {
            for (const Weights weights : {Weights::none, Weights::mixed}) {
                for (const Index rows : {1, 8, 21}) {
                    // Row 0 of weight 1, and others of fractions and of 0.
                    for (Index row = 0; row < rows; ++row) {
                        SCOPED_TRACE(::testing::Message() << name_of(isa) << " " << bad << " row "
                                                          << row << " of " << rows);
                        OwnedBlock block = random_block(rows, 2, false, 24);
                        take_weights(block, weights);
                        block.values[static_cast<std::size_t>(2 * row)] = bad > 0 ? 1e308 : -1e308;
                        // Of infinities of both signs a NaN.
                        block.values[static_cast<std::size_t>(2 * row + 1)] =
                            std::isnan(bad) ? 1e308 : 0;
                        const std::vector<double> w{1e10, 1e10};
                        const BlockSums sums = evaluated(block.view(), w, 0, isa);
                        // A row without weight may have any margin.
                        const bool counts = block.weight(row) > 0;
                        EXPECT_EQ(std::isnan(sums.slopes), counts);
                        EXPECT_EQ(!std::isfinite(sums.loss), counts);
                        EXPECT_EQ(std::isnan(sums.slopes_times_features[0]), counts);
                        BlockSums product;
                        multiply_block_hessian(block.view(), w, 0, std::vector<double>{0, 0}, 1,
                                               product, isa);
                        EXPECT_EQ(!std::isfinite(product.slopes), counts);
                    }
                }
            }
        }
        for (const double intercept : {infinity, -infinity, nan_value}) {
            const OwnedBlock block = random_block(3, 2, false, 24);
            EXPECT_TRUE(std::isnan(evaluated(block.view(), {1, 1}, intercept, isa).slopes));
        }
    }
}

TEST(BlockKernel, KeepsTheDigitsOfALossThatVanishes) {
    // All far on their own side: sum log(1 + e^-z) is sum e^-z, below the last place of 1.
    OwnedBlock block = random_block(100, 1, false, 26);
    block.labels.assign(100, 1.0);
    for (std::size_t i = 0; i < 100; ++i) {
        block.values[i] = 300 + static_cast<double>(i);
    }
    long double loss = 0;
    for (const double z : block.values) {
        loss += std::log1p(std::exp(-1.0L * z));
    }
    for (const Isa isa : supported_isas()) {
        const BlockSums sums = evaluated(block.view(), {1}, 0, isa);
        EXPECT_NEAR(sums.loss, static_cast<double>(loss), 1e-15 * static_cast<double>(loss));
        EXPECT_EQ(sums.rows_wrong, 0);
    }
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

TEST(BlockHessianProduct, IsTheDerivativeOfTheGradient) {
    const OwnedBlock block = random_block(200, 9, true, 31);
    const std::vector<double> w = random_values(9, 32);
    const std::vector<double> v = random_values(9, 33);
    const double step = 1e-5;
    const auto gradient_at = [&](double t) {
        std::vector<double> moved = w;
        for (std::size_t j = 0; j < w.size(); ++j) {
            moved[j] += t * v[j];
        }
        return evaluated(block.view(), moved, 0.2 - 0.7 * t);
    };
    const BlockSums above = gradient_at(step);
    const BlockSums below = gradient_at(-step);
    for (const Isa isa : supported_isas()) {
        BlockSums product;
        multiply_block_hessian(block.view(), w, 0.2, v, -0.7, product, isa);
        for (Index j = 0; j < 9; ++j) {
            EXPECT_NEAR(
                product.slopes_times_features[j],
                (above.slopes_times_features[j] - below.slopes_times_features[j]) / (2 * step),
                1e-6);
        }
        EXPECT_NEAR(product.slopes, (above.slopes - below.slopes) / (2 * step), 1e-6);
    }
}

TEST(BlockHessianProduct, AgreesWithSumsInLongDouble) {
    for (const Index features : few_feature_counts) {
        const OwnedBlock block = random_block(300, features, true, 34);
        const std::vector<double> w = random_values(features, 35);
        const std::vector<double> v = random_values(features, 36);
        std::vector<long double> product(w.size() + 1);
        std::vector<long double> magnitude(w.size() + 1);
        for (Index i = 0; i < block.rows(); ++i) {
            long double z = 0.25L;
            long double q = -0.5L;
            long double size = 0.5L;
            for (Index j = 0; j < features; ++j) {
                const auto k = static_cast<std::size_t>(j);
                z += 1.0L * block.at(i, j) * w[k];
                q += 1.0L * block.at(i, j) * v[k];
                size += std::fabs(1.0L * block.at(i, j) * v[k]);
            }
            const long double p = 1 / (1 + std::exp(-z));
            for (Index j = 0; j <= features; ++j) {
                const auto k = static_cast<std::size_t>(j);
                const long double x = j == features ? 1.0L : block.at(i, j);
                product[k] += block.weight(i) * p * (1 - p) * q * x;
                magnitude[k] += block.weight(i) * p * (1 - p) * size * std::fabs(x);
            }
        }
        for (const Isa isa : supported_isas()) {
            BlockSums sums;
            sums.loss = 17;
            multiply_block_hessian(block.view(), w, 0.25, v, -0.5, sums, isa);
            for (Index j = 0; j <= features; ++j) {
                const auto k = static_cast<std::size_t>(j);
                const double found = j == features ? sums.slopes : sums.slopes_times_features[j];
                EXPECT_LE(std::fabs(found - product[k]), 1e-13L * magnitude[k]);
            }
            EXPECT_EQ(sums.loss, 17) << "the rest of the sums is left alone";
        }
    }
}

TEST(RowsPerBlock, IsAPowerOfTwoThatDependsOnTheNumberOfRowsAlone) {
    EXPECT_EQ(rows_per_block(0), 32);
    EXPECT_EQ(rows_per_block(1), 32);
    EXPECT_EQ(rows_per_block(64 * 256 - 1), 32);
    EXPECT_EQ(rows_per_block(64 * 256), 64);
    EXPECT_EQ(rows_per_block(100 * 256), 64);
    EXPECT_EQ(rows_per_block(1024 * 256 - 1), 512);
    EXPECT_EQ(rows_per_block(1024 * 256), 1024);
    EXPECT_EQ(rows_per_block(Index{1} << 40), 1024);
    EXPECT_EQ(rows_per_block(std::numeric_limits<Index>::max()), 1024);
}

}  // namespace
}  // namespace paralogit::model
