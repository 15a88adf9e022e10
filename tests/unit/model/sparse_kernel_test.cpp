#include "paralogit/model/sparse_kernel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "owned_sparse_block.hpp"
#include "paralogit/model/block_hessian.hpp"
#include "paralogit/model/block_kernel.hpp"
#include "paralogit/model/thinned_rows.hpp"

namespace paralogit::model {
namespace {

using testing::OwnedSparseBlock;
using testing::random_sparse_block;
using testing::random_values;

/// Exponents that bound all products of the block's entries with factors up to the row weights.
std::vector<std::int16_t> bounds_of(const OwnedSparseBlock& block) {
    std::vector<std::int16_t> exponents(static_cast<std::size_t>(block.features),
                                        ScatterScale::lowest_exponent);
    for (std::size_t i = 0; i < block.labels.size(); ++i) {
        for (Index k = block.offsets[i]; k < block.offsets[i + 1]; ++k) {
            const auto at = static_cast<std::size_t>(k);
            int exponent = 0;
            std::frexp(block.weight(i) * block.values[at], &exponent);
            auto& largest = exponents[block.indices[at]];
            largest = std::max(largest, static_cast<std::int16_t>(std::max(exponent, -900)));
        }
    }
    return exponents;
}

/// What evaluate_block finds, with the limbs.
struct Result {
    bool is_within = false;
    std::vector<std::int64_t> limbs;
    std::vector<double> factors;
    SparseBlockSums sums;

    bool operator==(const Result& other) const {
        return is_within == other.is_within && limbs == other.limbs && factors == other.factors &&
               sums.slopes == other.sums.slopes && sums.loss == other.sums.loss &&
               sums.rows_wrong == other.sums.rows_wrong;
    }
};

Result evaluated(const OwnedSparseBlock& block, const std::vector<double>& w, double b, Isa isa,
                 const ScatterScale& scale) {
    ScatteredSums sums(scale);
    Result result;
    result.factors.resize(block.labels.size());
    result.is_within = evaluate_block(block.view(), w, b, &sums, result.factors, result.sums, isa);
    result.limbs.assign(sums.limbs().begin(), sums.limbs().end());
    return result;
}

struct Oracle {
    std::vector<long double> gradient;
    long double slopes = 0;
    long double loss = 0;
};

Oracle oracle_of(const OwnedSparseBlock& block, const std::vector<double>& w, double b) {
    Oracle oracle;
    oracle.gradient.resize(static_cast<std::size_t>(block.features));
    for (std::size_t i = 0; i < block.labels.size(); ++i) {
        long double margin = b;
        for (Index k = block.offsets[i]; k < block.offsets[i + 1]; ++k) {
            const auto at = static_cast<std::size_t>(k);
            margin += 1.0L * block.values[at] * w[block.indices[at]];
        }
        const long double s = block.weight(i);
        const long double y = block.labels[i];
        const long double slope = s * (1 / (1 + std::exp(-margin)) - y);
        oracle.slopes += slope;
        oracle.loss +=
            s * (std::log1p(std::exp(-std::fabs(margin))) + std::max(margin, 0.0L) - y * margin);
        for (Index k = block.offsets[i]; k < block.offsets[i + 1]; ++k) {
            const auto at = static_cast<std::size_t>(k);
            oracle.gradient[block.indices[at]] += slope * block.values[at];
        }
    }
    return oracle;
}

std::vector<double> small_coefficients(Index features) {
    std::vector<double> w = random_values(features, 3);
    for (double& value : w) {
        value /= 100;
    }
    return w;
}

TEST(SparseKernel, AgreesWithLongDouble) {
    for (const bool is_weighted : {false, true}) {
        const OwnedSparseBlock block = random_sparse_block(203, 57, 40, is_weighted, 1);
        const auto w = small_coefficients(block.features);
        const ScatterScale scale(bounds_of(block), 1000);
        ScatteredSums sums(scale);
        std::vector<double> factors(block.labels.size());
        SparseBlockSums of_block;
        ASSERT_TRUE(evaluate_block(block.view(), w, 0.25, &sums, factors, of_block));
        const Oracle oracle = oracle_of(block, w, 0.25);
        EXPECT_NEAR(of_block.slopes, static_cast<double>(oracle.slopes), 1e-13);
        EXPECT_NEAR(of_block.loss, static_cast<double>(oracle.loss), 1e-12);
        for (Index j = 0; j < block.features; ++j) {
            EXPECT_NEAR(sums.value(j),
                        static_cast<double>(oracle.gradient[static_cast<std::size_t>(j)]), 1e-11);
        }
    }
}

TEST(SparseKernel, HasTheSameBitsForEveryStoredTypeAndInstructionSet) {
    for (const bool is_weighted : {false, true}) {
        OwnedSparseBlock block = random_sparse_block(85, 300, 60, is_weighted, 2);
        const auto w = small_coefficients(block.features);
        for (const bool has_one_scale : {true, false}) {
            std::vector<std::int16_t> exponents = bounds_of(block);
            if (!has_one_scale) {
                exponents[0] = 500;
            }
            const ScatterScale scale(exponents, 100);
            EXPECT_EQ(scale.leading() == nullptr, has_one_scale);
            block.store(ElementType::float64);
            const Result first = evaluated(block, w, -0.5, Isa::portable, scale);
            EXPECT_TRUE(first.is_within);
            for (const ElementType type : testing::all_element_types()) {
                block.store(type);
                for (const Isa isa : testing::supported_isas()) {
                    EXPECT_TRUE(evaluated(block, w, -0.5, isa, scale) == first)
                        << name_of(isa) << " type " << static_cast<int>(type);
                }
            }
        }
    }
}

TEST(SparseKernel, GivesTheSameLimbsForAnyBlocksAndRanges) {
    const OwnedSparseBlock block = random_sparse_block(301, 91, 30, true, 3);
    const auto w = small_coefficients(block.features);
    const ScatterScale scale(bounds_of(block), 1000);
    const Result whole = evaluated(block, w, 0.1, best_isa(), scale);
    // In blocks of other sizes, the last first.
    ScatteredSums in_pieces(scale);
    std::vector<double> factors(block.labels.size());
    SparseBlockSums ignored;
    for (Index end = block.rows(); end > 0;) {
        const Index first = std::max<Index>(0, end - 37);
        ASSERT_TRUE(evaluate_block(block.rows_of({.first = first, .end = end}), w, 0.1, &in_pieces,
                                   factors, ignored));
        end = first;
    }
    EXPECT_TRUE(std::ranges::equal(in_pieces.limbs(), whole.limbs));
    // By features: the factors first, then each range of its own.
    ScatteredSums in_ranges(scale);
    ASSERT_TRUE(evaluate_block(block.view(), w, 0.1, nullptr, factors, ignored));
    for (const Range features : {Range{50, 91}, Range{0, 13}, Range{13, 50}, Range{50, 50}}) {
        ASSERT_TRUE(scatter_block(block.view(), 1, factors, features, in_ranges));
    }
    EXPECT_TRUE(std::ranges::equal(in_ranges.limbs(), whole.limbs));
}

TEST(SparseKernel, TakesEmptyRowsAndEmptyColumnsAndOneFeature) {
    OwnedSparseBlock block;
    block.features = 1;
    block.add_row({}, 1);
    block.add_row({{0, 2.0}}, 0);
    block.add_row({}, 0);
    const ScatterScale scale(bounds_of(block), 3);
    ScatteredSums sums(scale);
    std::vector<double> factors(3);
    SparseBlockSums of_block;
    const std::vector<double> w{0.5};
    ASSERT_TRUE(evaluate_block(block.view(), w, 0, &sums, factors, of_block));
    EXPECT_EQ(factors[0], -0.5);
    EXPECT_EQ(factors[2], 0.5);
    EXPECT_NEAR(sums.value(0), 2 / (1 + std::exp(-1.0)), 1e-15);
    EXPECT_EQ(of_block.rows_wrong, 3);

    OwnedSparseBlock empty;
    empty.features = 5;
    empty.add_row({}, 1);
    const ScatterScale no_bounds(bounds_of(empty), 1);
    ScatteredSums nothing(no_bounds);
    const std::vector<double> five(5, 1.0);
    ASSERT_TRUE(evaluate_block(empty.view(), five, 0, &nothing, factors, of_block));
    EXPECT_EQ(nothing.value(4), 0.0);
}

TEST(SparseKernel, KeepsSmallColumnsBesideAnOutlier) {
    OwnedSparseBlock block;
    block.features = 2;
    const double tiny = 0x1p-1060;
    block.add_row({{0, 1e12}, {1, tiny}}, 0);
    for (int i = 0; i < 1000; ++i) {
        block.add_row({{0, 1e-3}, {1, 1e-200}}, i % 2);
    }
    const std::vector<double> w{0, 0};
    const ScatterScale scale(bounds_of(block), 1001);
    ScatteredSums sums(scale);
    std::vector<double> factors(block.labels.size());
    SparseBlockSums of_block;
    ASSERT_TRUE(evaluate_block(block.view(), w, 0, &sums, factors, of_block));
    // The slopes are +-1/2, so all but the first row cancel.
    EXPECT_EQ(sums.value(0), 0.5e12);
    EXPECT_EQ(sums.value(1), 0);
}

TEST(SparseKernel, LetsRowsOfWeightZeroChangeNothing) {
    OwnedSparseBlock block = random_sparse_block(64, 20, 10, true, 4);
    const auto w = small_coefficients(block.features);
    const auto exponents = bounds_of(block);
    const ScatterScale scale(exponents, 100);
    const Result before = evaluated(block, w, 0.1, best_isa(), scale);
    for (std::size_t i = 0; i < block.labels.size(); ++i) {
        for (Index k = block.offsets[i]; block.row_weights[i] == 0 && k < block.offsets[i + 1];
             ++k) {
            block.values[static_cast<std::size_t>(k)] = 1e300;
        }
    }
    block.store(ElementType::float64);
    const Result after = evaluated(block, w, 0.1, best_isa(), scale);
    EXPECT_TRUE(after.is_within);
    EXPECT_EQ(after.limbs, before.limbs);
    EXPECT_EQ(after.sums.loss, before.sums.loss);
}

TEST(SparseKernel, SaysWhenAValueIsNotFiniteOrBeyondItsBound) {
    OwnedSparseBlock block = random_sparse_block(30, 20, 10, false, 5);
    const ScatterScale scale(bounds_of(block), 100);
    std::vector<double> w(20, 1e308);
    for (const Isa isa : testing::supported_isas()) {
        EXPECT_FALSE(evaluated(block, w, 1e308, isa, scale).is_within);
    }
    std::vector<std::int16_t> too_small(20, -10);
    const ScatterScale tight(too_small, 100);
    w.assign(20, 0.0);
    for (const Isa isa : testing::supported_isas()) {
        EXPECT_FALSE(evaluated(block, w, 0, isa, tight).is_within);
    }
}

TEST(SparseKernel, MarginsAreThoseOfTheEvaluationAndOfDenseRows) {
    const OwnedSparseBlock block = random_sparse_block(77, 45, 33, false, 6);
    const auto w = small_coefficients(block.features);
    const testing::OwnedBlock dense = block.dense();
    std::vector<double> of_dense(77);
    block_margins(dense.view(), w, 0.3, of_dense);
    std::vector<double> first(77);
    block_margins(block.view(), w, 0.3, first, Isa::portable);
    for (const Isa isa : testing::supported_isas()) {
        std::vector<double> margins(77);
        block_margins(block.view(), w, 0.3, margins, isa);
        EXPECT_EQ(margins, first);
    }
    for (std::size_t i = 0; i < first.size(); ++i) {
        EXPECT_NEAR(first[i], of_dense[i], 1e-12);
    }
}

TEST(SparseKernel, LooksAtNoCoefficientOfAnotherRow) {
    OwnedSparseBlock block;
    block.features = 20;
    block.add_row({{0, 1.0}}, 0);
    block.add_row({{1, 1.0}, {2, 1.0}, {3, 1.0}, {4, 1.0}, {5, 1.0}, {6, 1.0}, {7, 1.0}, {8, 1.0}},
                  0);
    std::vector<double> w(20, std::numeric_limits<double>::infinity());
    w[0] = 2;
    for (const Isa isa : testing::supported_isas()) {
        std::vector<double> margins(2);
        block_margins(block.view(), w, 0.5, margins, isa);
        EXPECT_EQ(margins[0], 2.5);
        EXPECT_FALSE(std::isfinite(margins[1]));
    }
}

/// The slope, times the weight, at m = z - give * that slope.
long double slope_at_rest(double z, double label, double weight, double give) {
    const auto slope_at = [&](long double m) {
        return weight * (1 / (1 + std::exp(-m)) - static_cast<long double>(label));
    };
    long double low = z - 1.0L * give * weight;
    long double high = z + 1.0L * give * weight;
    for (int halving = 0; halving < 200; ++halving) {
        const long double middle = (low + high) / 2;
        (middle + give * slope_at(middle) > z ? high : low) = middle;
    }
    return slope_at((low + high) / 2);
}

TEST(SparseKernel, LetsMarginsGiveWayToTheirSlopes) {
    for (const bool is_weighted : {false, true}) {
        const OwnedSparseBlock block = random_sparse_block(203, 57, 40, is_weighted, 8);
        std::vector<double> w = small_coefficients(block.features);
        for (double& value : w) {
            value *= 300;  // margins to either side of where a sigmoid is steep
        }
        std::vector<double> margins(block.labels.size());
        block_margins(block.view(), w, -1, margins);
        std::vector<double> give(block.labels.size());
        for (std::size_t i = 0; i < give.size(); ++i) {
            give[i] = std::array{0.0, 1e-3, 1.0, 30.0, 1e4, 1e9}[i % 6];
        }
        const ScatterScale scale(bounds_of(block), 1000);
        std::vector<double> first;
        for (const Isa isa : testing::supported_isas()) {
            ScatteredSums sums(scale);
            std::vector<double> factors(block.labels.size());
            SparseBlockSums of_block;
            ASSERT_TRUE(
                evaluate_block(block.view(), w, -1, &sums, factors, of_block, isa, Loss(), give));
            for (std::size_t i = 0; i < factors.size(); ++i) {
                const auto expected = static_cast<double>(
                    slope_at_rest(margins[i], block.labels[i], block.weight(i), give[i]));
                EXPECT_NEAR(factors[i], expected, 1e-15 + 1e-14 * std::abs(expected)) << i;
            }
            first = first.empty() ? factors : first;
            EXPECT_EQ(factors, first);
        }
    }
}

TEST(SparseKernel, MultipliesTheHessianAsLongDoubleDoes) {
    for (const Index thinning : {Index{1}, Index{4}}) {
        const OwnedSparseBlock block = random_sparse_block(90, 31, 20, true, 7);
        const auto w = small_coefficients(block.features);
        const auto v = random_values(block.features, 8);
        std::vector<long double> expected(static_cast<std::size_t>(block.features));
        long double expected_slopes = 0;
        const ThinnedRows left(block.first_global_row, std::ssize(block.labels), thinning);
        for (Index taken = 0; taken < left.size(); ++taken) {
            const auto i = static_cast<std::size_t>(left[taken]);
            long double margin = 0.2L;
            long double along = -0.7L;
            for (Index k = block.offsets[i]; k < block.offsets[i + 1]; ++k) {
                const auto at = static_cast<std::size_t>(k);
                margin += 1.0L * block.values[at] * w[block.indices[at]];
                along += 1.0L * block.values[at] * v[block.indices[at]];
            }
            const long double p = 1 / (1 + std::exp(-margin));
            const long double factor = block.weight(i) * p * (1 - p) * along;
            expected_slopes += factor;
            for (Index k = block.offsets[i]; k < block.offsets[i + 1]; ++k) {
                const auto at = static_cast<std::size_t>(k);
                expected[block.indices[at]] += factor * block.values[at];
            }
        }
        const ScatterScale scale(bounds_of(block), 90);
        const double unit = 0x1p-14;
        std::vector<std::int64_t> first;
        for (const Isa isa : testing::supported_isas()) {
            ScatteredSums sums(scale);
            std::vector<double> curvatures(block.labels.size());
            std::vector<double> factors(block.labels.size());
            SparseBlockSums of_block;
            block_curvatures(block.view(), w, 0.2, curvatures, isa);
            ASSERT_TRUE(multiply_block_hessian(block.view(), thinning, curvatures, v, -0.7, unit,
                                               &sums, factors, of_block, isa));
            EXPECT_NEAR(of_block.slopes / unit, static_cast<double>(expected_slopes), 1e-10);
            for (Index j = 0; j < block.features; ++j) {
                EXPECT_NEAR(sums.value(j) / unit,
                            static_cast<double>(expected[static_cast<std::size_t>(j)]), 1e-8);
            }
            const std::vector<std::int64_t> limbs(sums.limbs().begin(), sums.limbs().end());
            first = first.empty() ? limbs : first;
            EXPECT_EQ(limbs, first);
            // In two steps as threads do it that share the sums.
            ScatteredSums apart(scale);
            ASSERT_TRUE(multiply_block_hessian(block.view(), thinning, curvatures, v, -0.7, unit,
                                               nullptr, factors, of_block, isa));
            ASSERT_TRUE(scatter_block(block.view(), thinning, factors, {0, 9}, apart, isa));
            ASSERT_TRUE(scatter_block(block.view(), thinning, factors, {9, 31}, apart, isa));
            EXPECT_TRUE(std::ranges::equal(apart.limbs(), limbs));
            // By high limbs alone, on the grid of the largest bound.
            const ScatterScale of_high = scale.of_high_limbs();
            ScatteredSums high(of_high);
            ASSERT_TRUE(multiply_block_hessian(block.view(), thinning, curvatures, v, -0.7, unit,
                                               &high, factors, of_block, isa));
            for (Index j = 0; j < block.features; ++j) {
                EXPECT_NEAR(high.value(j), sums.value(j),
                            45 * std::ldexp(1.0, of_high.exponent(j) - of_high.width()));
            }
        }
    }
}

TEST(SparseKernel, AddsSquaresInUnits) {
    const OwnedSparseBlock block = random_sparse_block(50, 12, 9, false, 9);
    const std::vector<std::int16_t> units(12, 3);
    const std::vector<std::int16_t> exponents(12, 10);
    const ScatterScale scale(exponents, 50);
    std::vector<long double> expected(12);
    for (std::size_t k = 0; k < block.values.size(); ++k) {
        expected[block.indices[k]] += 1.0L * block.values[k] * block.values[k] / 64;
    }
    const std::vector<double> ones(50, 1.0);
    for (const Isa isa : testing::supported_isas()) {
        ScatteredSums sums(scale);
        ASSERT_TRUE(scatter_squares(block.view(), ones, units, {0, 12}, sums, isa));
        for (Index j = 0; j < 12; ++j) {
            EXPECT_EQ(sums.value(j), static_cast<double>(expected[static_cast<std::size_t>(j)]));
        }
    }
}

TEST(SparseKernel, AppendsTheHessianRowsOfDenseRows) {
    const OwnedSparseBlock block = random_sparse_block(40, 11, 8, true, 10);
    const auto w = small_coefficients(block.features);
    const HessianFrame frame{.centre = Vector::Constant(11, 0.5),
                             .factor = Vector::Constant(11, 0.0078125),
                             .has_intercept = true};
    HessianPanel sparse;
    HessianPanel dense;
    const double weight = append_hessian_rows(block.view(), 3, w, 0.1, frame, sparse, best_isa());
    EXPECT_EQ(weight,
              append_hessian_rows(block.dense().view(), 3, w, 0.1, frame, dense, best_isa()));
    EXPECT_EQ(sparse.rows, dense.rows);
    EXPECT_EQ(sparse.curvatures, dense.curvatures);
}

}  // namespace
}  // namespace paralogit::model
