#include "paralogit/model/isa.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "paralogit/model/block_kernel.hpp"
#include "paralogit/model/loss.hpp"
#include "paralogit/model/math.hpp"
#include "support/sanitized.hpp"
#include "unit/model/owned_block.hpp"
#include "unit/model/ulp.hpp"

namespace paralogit::model {
namespace {

using testing::OwnedBlock;
using testing::supported_isas;
using testing::ulps_between;

TEST(Isa, HasAName) {
    EXPECT_EQ(name_of(Isa::portable), "portable");
    EXPECT_EQ(name_of(Isa::avx2), "avx2");
    EXPECT_EQ(name_of(Isa::avx512), "avx512");
}

TEST(Isa, IsPortableEverywhereAndTheBestIsTheLastThatIsSupported) {
    EXPECT_TRUE(is_supported(Isa::portable));
    EXPECT_TRUE(is_supported(best_isa()));
    EXPECT_EQ(best_isa(), supported_isas().back());
    EXPECT_TRUE(!is_supported(Isa::avx512) || is_supported(Isa::avx2));
}

/// Margins 0, of all magnitudes and signs, where e^-|z| leaves the normal numbers and vanishes, and
/// where the forms of the elementary functions change.
std::vector<double> margins() {
    std::vector<double> magnitudes{0,         5e-324,  3e-310,
                                   0x1p-1022, 0x1p-54, 0x1p-53,
                                   1e-10,     36.7,    37.5,
                                   707.0,     708.39,  708.5,
                                   744.44,    745.13,  745.134,
                                   745.2,     746,     746.5,
                                   0x1p10,    1e10,    1e300,
                                   1e308,     0.5,     std::log(2.0),
                                   1 / 3.0,   1.0,     std::numeric_limits<double>::max()};
    // Halfway between multiples of ln 2, where e^-z takes another exponent.
    for (int k = 0; k < 1080; ++k) {
        const double border = (k + 0.5) * std::log(2.0);
        for (const double z : {border, std::nextafter(border, 0), std::nextafter(border, 1e9)}) {
            magnitudes.push_back(z);
        }
    }
    std::mt19937_64 random(1);
    std::uniform_real_distribution<double> mantissa(1, 2);
    std::uniform_int_distribution<int> exponent(-1074, 1023);
    std::uniform_int_distribution<int> middle(-60, 10);
    std::uniform_real_distribution<double> wide(0, 750);
    std::uniform_real_distribution<double> narrow(0, 40);
    // e^-z near 1/2, where the series of the logarithm needs its last term.
    std::uniform_real_distribution<double> near_fold(0.69, 0.72);
    for (int k = 0; k < (test::is_sanitized ? 1000 : 20000); ++k) {
        magnitudes.push_back(std::ldexp(mantissa(random), exponent(random)));
        magnitudes.push_back(std::ldexp(mantissa(random), middle(random)));
        magnitudes.push_back(wide(random));
        magnitudes.push_back(narrow(random));
        magnitudes.push_back(near_fold(random));
    }
    std::vector<double> both_signs;
    for (const double magnitude : magnitudes) {
        both_signs.push_back(magnitude);
        both_signs.push_back(-magnitude);
    }
    return both_signs;
}

/// The block of one row that has the value as its margin at w = 1, b = 0.
OwnedBlock row_of(double label, double weight) {
    OwnedBlock block;
    block.features = 1;
    block.values = {0};
    block.labels = {label};
    if (weight != 1) {
        block.row_weights = {weight};
    }
    return block;
}

TEST(ElementaryFunctions, OfTheKernelsHaveTheBitsOfTheScalarOnes) {
    const std::vector<double> w{1};
    const std::vector<double> all_margins = margins();
    for (const Isa isa : supported_isas()) {
        BlockSums sums;
        for (const double weight : {1.0, 0.75}) {
            for (const double label : {0.0, 1.0, 0.25}) {
                OwnedBlock row = row_of(label, weight);
                for (const double z : all_margins) {
                    row.values[0] = z;
                    evaluate_block(row.view(), w, 0, sums, isa);
                    const double slope = weight * binary_cross_entropy(label, z).slope;
                    // Added to 0, so that a zero has no sign.
                    ASSERT_EQ(std::bit_cast<std::uint64_t>(sums.slopes),
                              std::bit_cast<std::uint64_t>(slope + 0.0))
                        << name_of(isa) << " y " << label << " z " << z;
                    // The logarithm alone, of a row on its own side.
                    if (label == (z < 0 ? 0 : 1)) {
                        const double log = log1p_of_unit(exp_of_nonpositive(-std::fabs(z)));
                        ASSERT_EQ(sums.loss, weight * log)
                            << name_of(isa) << " y " << label << " z " << z;
                    }
                }
            }
        }
    }
}

TEST(ElementaryFunctions, AreTheSameInEveryLane) {
    const std::vector<double> all_margins = margins();
    // Feature 0 is the margin, and feature 1 + i is 1 in row i alone: its sum is the row's slope.
    OwnedBlock block;
    block.features = 9;
    block.labels = {0, 1, 0, 1, 1, 0, 0, 1};
    block.values.assign(8 * 9, 0.0);
    std::vector<double> w(9, 0.0);
    w[0] = 1;
    for (std::size_t i = 0; i < 8; ++i) {
        block.values[i * 9 + 1 + i] = 1;
    }
    for (const Isa isa : supported_isas()) {
        BlockSums sums;
        for (std::size_t k = 0; k + 8 <= all_margins.size(); k += 8) {
            for (std::size_t i = 0; i < 8; ++i) {
                block.values[i * 9] = all_margins[k + i];
            }
            evaluate_block(block.view(), w, 0, sums, isa);
            for (Index i = 0; i < 8; ++i) {
                const double z = all_margins[k + static_cast<std::size_t>(i)];
                ASSERT_EQ(sums.slopes_times_features[1 + i],
                          binary_cross_entropy(block.label(i), z).slope)
                    << name_of(isa) << " z " << z;
            }
        }
    }
}

TEST(ElementaryFunctions, MakeTheLossOfARowRightToTwoUlp) {
    const std::vector<double> w{1};
    const std::vector<double> all_margins = margins();
    for (const Isa isa : supported_isas()) {
        BlockSums sums;
        double worst = 0;
        for (const double label : {0.0, 1.0, 0.25}) {
            OwnedBlock row = row_of(label, 1);
            for (const double z : all_margins) {
                row.values[0] = z;
                evaluate_block(row.view(), w, 0, sums, isa);
                const long double against = z < 0 ? label : 1 - label;
                const long double distance = std::fabs(z);
                const long double loss = against * distance + std::log1p(std::exp(-distance));
                worst = std::max(worst, ulps_between(sums.loss, loss));
            }
        }
        EXPECT_LE(worst, 2.0) << name_of(isa);
    }
}

TEST(ElementaryFunctions, OfAProductHaveTheBitsOfTheLogarithmOfANumber) {
    std::mt19937_64 random(3);
    std::uniform_real_distribution<double> margin(0, 1);
    for (const Index factors : {2, 3, 20, 250}) {
        for (int trial = 0; trial < (factors < 10 && !test::is_sanitized ? 20000 : 1000); ++trial) {
            // In lane 0 alone; all on their own side.
            OwnedBlock block;
            block.features = 1;
            double product = 0;
            for (Index i = 0; i < 8 * factors; ++i) {
                const bool counts = i % 8 == 0;
                block.values.push_back(margin(random));
                block.labels.push_back(1);
                block.row_weights.push_back(counts ? 1 : 0);
                if (counts) {
                    const double u = exp_of_nonpositive(-block.values.back());
                    product = std::fma(product, u, product + u);
                }
            }
            const double expected =
                product > 1 ? log_of_positive(1 + product) : log1p_of_unit(product);
            for (const Isa isa : supported_isas()) {
                BlockSums sums;
                evaluate_block(block.view(), std::vector<double>{1}, 0, sums, isa);
                ASSERT_EQ(sums.loss, expected) << name_of(isa) << " " << product;
            }
        }
    }
}

// The logarithm of a product of many 1 + u, far beyond where log1p_of_unit reaches.
TEST(ElementaryFunctions, MakeTheLogarithmOfAProductOfAnySize) {
    std::mt19937_64 random(2);
    std::uniform_real_distribution<double> margin(0, 3);
    for (const Isa isa : supported_isas()) {
        for (Index rows = 1; rows <= 2048; rows += 1 + rows / 5) {
            OwnedBlock block;
            block.features = 1;
            block.labels.assign(static_cast<std::size_t>(rows), 1.0);
            long double loss = 0;
            for (Index i = 0; i < rows; ++i) {
                // All rows on their own side: the loss is the sum of the logarithms.
                block.values.push_back(margin(random));
                loss += std::log1p(std::exp(-1.0L * block.values.back()));
            }
            BlockSums sums;
            evaluate_block(block.view(), std::vector<double>{1}, 0, sums, isa);
            EXPECT_NEAR(sums.loss, static_cast<double>(loss), 2e-15 * static_cast<double>(loss))
                << name_of(isa) << " " << rows;
        }
    }
}

}  // namespace
}  // namespace paralogit::model
