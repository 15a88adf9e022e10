#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "paralogit/base/error.hpp"
#include "paralogit/model/block_hessian.hpp"
#include "paralogit/model/block_kernel.hpp"
#include "paralogit/model/loss.hpp"
#include "paralogit/model/sparse_kernel.hpp"
#include "paralogit/model/thinned_rows.hpp"
#include "unit/model/owned_block.hpp"
#include "unit/model/owned_sparse_block.hpp"
#include "unit/model/ulp.hpp"

namespace paralogit::model {
namespace {

using testing::OwnedBlock;
using testing::random_block;
using testing::random_values;
using testing::supported_isas;
using testing::ulps_between;

// So many digits that log p is right where p is 1 - e^-745.
using Wide = boost::multiprecision::number<boost::multiprecision::cpp_bin_float<420>,
                                           boost::multiprecision::et_off>;

constexpr std::array labels{0.0, 1.0, 0.3};

struct Case {
    double gamma;
    std::optional<double> alpha;

    Loss loss() const { return Loss::focal(gamma, alpha); }
};

std::vector<Case> cases() {
    return {{0, 0.25}, {0.5, {}}, {1, 0.9}, {2, {}}, {2, 0.25}, {5, {}}, {Loss::most_gamma, 0.5}};
}

/// As the paper has it, with q for 1 - p.
Wide textbook(const Case& of, double label, const Wide& margin) {
    const Wide p = 1 / (1 + exp(-margin));
    const Wide q = 1 / (1 + exp(margin));
    const Wide factor = of.alpha ? Wide(*of.alpha) : Wide(1);
    const Wide factor_of_zero = of.alpha ? Wide(1 - *of.alpha) : Wide(1);
    Wide loss = 0;
    if (label > 0) {
        loss -= label * factor * pow(q, Wide(of.gamma)) * log(p);
    }
    if (label < 1) {
        loss -= (1 - Wide(label)) * factor_of_zero * pow(p, Wide(of.gamma)) * log(q);
    }
    return loss;
}

struct Derivatives {
    Wide loss;
    Wide slope;
    Wide curvature;
};

/// By finite differences, whose errors are beyond the thirtieth digit.
Derivatives textbook_derivatives(const Case& of, double label, double margin) {
    const Wide step("1e-20");
    const Wide here = textbook(of, label, margin);
    const Wide ahead = textbook(of, label, margin + step);
    const Wide behind = textbook(of, label, margin - step);
    return {.loss = here,
            .slope = (ahead - behind) / (2 * step),
            .curvature = (ahead - 2 * here + behind) / (step * step)};
}

/// What the errors of loss, slope and curvature are allowed for: the sizes of their terms.
LossTerms sizes(const Case& of, double label, double margin) {
    LossTerms all{0, 0, 0};
    for (const bool is_positive : {true, false}) {
        const long double z = is_positive ? margin : -margin;
        const long double p = 1 / (1 + std::exp(-z));
        const long double q = 1 / (1 + std::exp(z));
        const long double minus_log_p =
            z > 0 ? std::log1p(std::exp(-z)) : -z + std::log1p(std::exp(z));
        const long double minus_log_q = minus_log_p + z;
        const long double g = of.gamma;
        const long double alpha = of.alpha.value_or(1);
        const long double factor =
            is_positive ? label * alpha : (1 - label) * (of.alpha ? 1 - alpha : 1);
        const long double size =
            (8 + 3 * g * minus_log_q) * 0x1p-53L * factor * std::exp(-g * minus_log_q);
        all.loss += static_cast<double>(size * minus_log_p);
        all.slope += static_cast<double>(size * (g * p * minus_log_p + q));
        all.curvature +=
            static_cast<double>(size * (g * p * minus_log_p * (g * p + q) + (2 * g + 1) * p * q));
    }
    return all;
}

std::vector<double> margins() {
    std::vector<double> grid{0};
    for (const double z : {1e-300, 1e-8, 0.1, 1.0, 2.5, 5.0, 17.0, 36.7, 120.0, 700.0, 745.0}) {
        grid.push_back(z);
        grid.push_back(-z);
    }
    return grid;
}

TEST(FocalLoss, AgreesWithTheTextbookAndItsFiniteDifferencesInFourHundredDigits) {
    // Denormal factors have fewer digits.
    constexpr double least = 1e-317;
    for (const Case& of : cases()) {
        for (const double z : margins()) {
            for (const double y : labels) {
                const LossTerms found = of.loss().at(y, z);
                const Derivatives exact = textbook_derivatives(of, y, z);
                const LossTerms size = sizes(of, y, z);
                const auto off = [](double value, const Wide& expected) {
                    return static_cast<double>(Wide(abs(Wide(value) - expected)));
                };
                EXPECT_LE(off(found.loss, exact.loss), size.loss + least)
                    << of.gamma << " " << y << " " << z;
                EXPECT_LE(off(found.slope, exact.slope), size.slope + least)
                    << of.gamma << " " << y << " " << z;
                EXPECT_LE(off(found.curvature, exact.curvature), size.curvature + least)
                    << of.gamma << " " << y << " " << z;
            }
        }
    }
}

TEST(FocalLoss, KeepsItsDigitsWhereTheRowIsFarOnItsOwnSide) {
    // q^2 (-log p) = e^-3z about, and all of it is lost where 1 - p is computed as such.
    const Case of{2, {}};
    for (const double z : {50.0, 100.0, 200.0}) {
        EXPECT_LT(ulps_between(of.loss().at(1, z).loss, textbook(of, 1, z)), 16 + 12 * z);
    }
}

TEST(FocalLoss, SwapsExactlyWithLabelAndSign) {
    for (const double gamma : {0.5, 2.0, 5.0}) {
        const Loss loss = Loss::focal(gamma, std::nullopt);
        for (const double z : margins()) {
            for (const double y : {0.0, 1.0, 0.25}) {
                const LossTerms here = loss.at(y, z);
                const LossTerms mirrored = loss.at(1 - y, -z);
                EXPECT_NEAR(here.loss, mirrored.loss, 1e-15 * here.loss);
                EXPECT_NEAR(here.slope, -mirrored.slope, 4e-16);
                EXPECT_NEAR(here.curvature, mirrored.curvature, 4e-16);
                if (y != 0.25) {
                    EXPECT_EQ(here.loss, mirrored.loss);
                    EXPECT_EQ(here.slope, -mirrored.slope);
                    EXPECT_EQ(here.curvature, mirrored.curvature);
                }
            }
        }
    }
}

TEST(FocalLoss, StaysWithinTheBoundsOfTheExactSums) {
    for (const double gamma : {0.0, 0.1, 1.0, 2.0, 2.7, 5.0, 20.0, Loss::most_gamma}) {
        for (const std::optional<double> alpha : {std::optional<double>(), {0.999}}) {
            const Loss loss = Loss::focal(gamma, alpha);
            bool has_large_slope = false;
            for (double z = -40; z <= 40; z += 0.0625) {
                for (const double y : labels) {
                    const LossTerms terms = loss.at(y, z);
                    EXPECT_LE(std::fabs(terms.slope), loss.slope_unit());
                    EXPECT_LE(terms.curvature, loss.curvature_unit() / 4);
                    EXPECT_LE(terms.loss, 1 + std::fabs(z));
                    EXPECT_GE(terms.loss, 0);
                    has_large_slope |= std::fabs(terms.slope) > loss.slope_unit() / 8;
                }
            }
            // A unit far too large would cost digits.
            EXPECT_TRUE(has_large_slope || gamma > 5) << gamma;
        }
        for (const double z : {-1e308, -1e5, -745.2, 745.2, 1e5, 1e308}) {
            const Loss loss = Loss::focal(gamma, 0.5);
            for (const double y : labels) {
                EXPECT_LE(loss.at(y, z).loss, 1 + std::fabs(z));
                EXPECT_LE(std::fabs(loss.at(y, z).slope), 1);
                EXPECT_EQ(loss.at(y, z).curvature, 0.0) << z;
            }
        }
    }
}

TEST(FocalLoss, OfGammaZeroIsBinaryCrossEntropyAndTimesTheFactorsWithAlpha) {
    EXPECT_FALSE(Loss::focal(0, std::nullopt).is_focal());
    const Loss loss = Loss::focal(0, 0.25);
    for (const double z : margins()) {
        const LossAndSlope one = binary_cross_entropy(1, z);
        const LossAndSlope zero = binary_cross_entropy(0, z);
        EXPECT_NEAR(loss.at(1, z).loss, 0.25 * one.loss, 1e-15 * one.loss);
        EXPECT_NEAR(loss.at(1, z).slope, 0.25 * one.slope, 1e-15);
        EXPECT_NEAR(loss.at(0, z).loss, 0.75 * zero.loss, 1e-15 * zero.loss);
        EXPECT_NEAR(loss.at(0, z).slope, 0.75 * zero.slope, 1e-15);
    }
}

TEST(FocalLoss, RefusesWhatItIsNotDefinedFor) {
    EXPECT_THROW(Loss::focal(-0.5, std::nullopt), Error);
    EXPECT_THROW(Loss::focal(std::nan(""), std::nullopt), Error);
    EXPECT_THROW(Loss::focal(Loss::most_gamma + 0.5, std::nullopt), Error);
    EXPECT_THROW(Loss::focal(2, 0.0), Error);
    EXPECT_THROW(Loss::focal(2, 1.0), Error);
}

TEST(FocalLoss, IsNotFiniteWhereTheMarginIsNot) {
    for (const double z : {std::numeric_limits<double>::infinity(),
                           -std::numeric_limits<double>::infinity(), std::nan("")}) {
        EXPECT_TRUE(std::isnan(Loss::focal(2, 0.25).at(1, z).loss));
        EXPECT_TRUE(std::isnan(Loss::focal(2, 0.25).at(0, z).slope));
        OwnedBlock block = random_block(9, 1, false, 1);
        block.values.assign(9, 1e308);
        for (const Isa isa : supported_isas()) {
            BlockSums sums;
            std::vector<double> curvatures(9);
            std::vector<double> scratch;
            const double coefficient = std::isnan(z) ? z : std::copysign(10.0, z);
            evaluate_block(block.view(), {&coefficient, 1}, 0, sums, isa, Loss::focal(2, 0.25));
            block_curvatures(block.view(), {&coefficient, 1}, 0, curvatures, scratch, isa,
                             Loss::focal(2, 0.25));
            EXPECT_TRUE(std::isnan(sums.loss));
            EXPECT_TRUE(std::isnan(sums.slopes));
            EXPECT_TRUE(std::isnan(curvatures[3]));
        }
    }
}

/// One feature that is the margin; labels as given.
OwnedBlock block_of_margins(std::uint64_t seed, bool is_weighted, bool is_soft) {
    OwnedBlock block = random_block(203, 1, is_weighted, seed);
    for (double& value : block.values) {
        value *= 4;
    }
    for (std::size_t i = 0; is_soft && i < block.labels.size(); i += 3) {
        block.labels[i] = static_cast<double>(i % 11) / 10;
    }
    for (std::size_t i = 0; is_weighted && i < block.labels.size(); i += 5) {
        block.row_weights[i] = 0;
        block.values[i] = 1e300;
    }
    return block;
}

constexpr double one = 1;

TEST(FocalLoss, OfABlockIsTheSumOfItsRowsWithTheSameBitsOnAllInstructionSets) {
    for (const Case& of : cases()) {
        for (const int kind : {0, 1, 2, 3}) {
            const bool is_weighted = kind % 2 == 1;
            const bool is_soft = kind / 2 == 1;
            const OwnedBlock block = block_of_margins(7, is_weighted, is_soft);
            const Loss loss = of.loss();
            long double expected_loss = 0;
            long double expected_slopes = 0;
            long double expected_products = 0;
            Index expected_wrong = 0;
            for (Index i = 0; i < block.rows(); ++i) {
                if (block.weight(i) == 0) {
                    continue;
                }
                const double z = block.at(i, 0);
                const LossTerms terms = loss.at(block.label(i), z);
                expected_loss += static_cast<long double>(block.weight(i)) * terms.loss;
                expected_slopes += static_cast<long double>(block.weight(i)) * terms.slope;
                expected_products += static_cast<long double>(block.weight(i)) * terms.slope * z;
                expected_wrong +=
                    (block.label(i) == 1 && z > 0) || (block.label(i) == 0 && z < 0) ? 0 : 1;
            }
            BlockSums first;
            for (const Isa isa : supported_isas()) {
                BlockSums sums;
                evaluate_block(block.view(), {&one, 1}, 0, sums, isa, loss);
                const double unit = loss.slope_unit();
                EXPECT_NEAR(sums.loss, static_cast<double>(expected_loss), 1e-14 * sums.loss);
                EXPECT_NEAR(sums.slopes * unit, static_cast<double>(expected_slopes), 1e-13);
                EXPECT_NEAR(sums.slopes_times_features[0] * unit,
                            static_cast<double>(expected_products), 1e-12);
                EXPECT_EQ(sums.rows_wrong, expected_wrong);
                if (isa == supported_isas().front()) {
                    first = sums;
                }
                EXPECT_EQ(sums.loss, first.loss);
                EXPECT_EQ(sums.slopes, first.slopes);
                EXPECT_EQ(sums.slopes_times_features, first.slopes_times_features);
            }
        }
    }
}

TEST(FocalLoss, OfBytesHasTheBitsOfTheSameLabelsAsDoubles) {
    const OwnedBlock block = block_of_margins(8, true, false);
    const std::vector<std::uint8_t> bytes(block.labels.begin(), block.labels.end());
    Block of_bytes = block.view();
    of_bytes.labels = std::span<const std::uint8_t>(bytes);
    const Loss loss = Loss::focal(2, 0.25);
    for (const Isa isa : supported_isas()) {
        BlockSums from_bytes;
        BlockSums from_doubles;
        evaluate_block(of_bytes, {&one, 1}, 0.5, from_bytes, isa, loss);
        evaluate_block(block.view(), {&one, 1}, 0.5, from_doubles, isa, loss);
        EXPECT_EQ(from_bytes.loss, from_doubles.loss);
        EXPECT_EQ(from_bytes.slopes, from_doubles.slopes);
        EXPECT_EQ(from_bytes.rows_wrong, from_doubles.rows_wrong);
    }
}

TEST(FocalLoss, HasThePositivePartOfItsCurvaturesInTheHessian) {
    const Loss loss = Loss::focal(2, 0.25);
    for (const bool is_soft : {false, true}) {
        const OwnedBlock block = block_of_margins(9, true, is_soft);
        Index cut_off = 0;
        for (const Isa isa : supported_isas()) {
            std::vector<double> curvatures(block.labels.size());
            std::vector<double> scratch;
            block_curvatures(block.view(), {&one, 1}, 0, curvatures, scratch, isa, loss);
            for (Index i = 0; i < block.rows(); ++i) {
                const double z = block.weight(i) == 0 ? 0 : block.at(i, 0);
                const double exact = loss.at(block.label(i), z).curvature;
                EXPECT_EQ(curvatures[static_cast<std::size_t>(i)],
                          block.weight(i) * (std::max(0.0, exact) / loss.curvature_unit()));
                cut_off += exact < 0 ? 1 : 0;
            }
        }
        EXPECT_GT(cut_off, 5);
    }
}

TEST(FocalLoss, OfSparseRowsIsThatOfTheSameRowsMadeDense) {
    testing::OwnedSparseBlock sparse = testing::random_sparse_block(101, 5, 5, true, 4);
    for (std::size_t i = 0; i < sparse.labels.size(); i += 4) {
        sparse.labels[i] = 0.4;
    }
    const OwnedBlock dense = sparse.dense();
    std::vector<double> w = random_values(5, 6);
    for (double& value : w) {
        value /= 40;
    }
    const Loss loss = Loss::focal(2, 0.25);
    std::vector<double> factors(sparse.labels.size());
    SparseBlockSums sums;
    BlockSums of_dense;
    ASSERT_TRUE(evaluate_block(sparse.view(), w, 0.2, nullptr, factors, sums, best_isa(), loss));
    evaluate_block(dense.view(), w, 0.2, of_dense, best_isa(), loss);
    EXPECT_NEAR(sums.loss, of_dense.loss, 1e-13 * sums.loss);
    EXPECT_NEAR(sums.slopes, of_dense.slopes, 1e-12);

    // And takes the labels of the rows that a thinning leaves.
    for (const Index thinning : {Index{1}, Index{3}}) {
        std::vector<double> all(sparse.labels.size());
        block_curvatures(sparse.view(), w, 0.2, all, best_isa(), loss);
        HessianFrame frame{.centre = Vector::Zero(5), .factor = Vector::Constant(5, 0.01)};
        HessianPanel of_sparse;
        HessianPanel some_of_sparse;
        HessianPanel of_rows;
        append_hessian_rows(sparse.view(), thinning, w, 0.2, frame, of_sparse, best_isa(), loss);
        append_hessian_rows(dense.view(), thinning, w, 0.2, frame, of_rows, best_isa(), loss);
        frame = {
            .features = {0, 3}, .centre = Vector::Zero(2), .factor = Vector::Constant(2, 0.01)};
        append_hessian_rows(sparse.view(), thinning, w, 0.2, frame, some_of_sparse, best_isa(),
                            loss);
        const ThinnedRows left(dense.first_global_row, dense.rows(), thinning);
        for (std::size_t k = 0; k < of_rows.curvatures.size(); ++k) {
            const double expected = all[static_cast<std::size_t>(left[static_cast<Index>(k)])];
            EXPECT_NEAR(of_sparse.curvatures[k], expected, 1e-14);
            EXPECT_NEAR(some_of_sparse.curvatures[k], expected, 1e-14);
            EXPECT_NEAR(of_rows.curvatures[k], expected, 1e-14);
        }
    }
}

}  // namespace
}  // namespace paralogit::model
