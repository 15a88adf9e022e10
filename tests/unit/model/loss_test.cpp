#include "paralogit/model/loss.hpp"

#include <gtest/gtest.h>

#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "unit/model/ulp.hpp"

namespace paralogit::model {
namespace {

using testing::ulps_between;

// So many digits that sigmoid(z) - y may cancel down to the smallest double and still be right.
using Wide = boost::multiprecision::number<boost::multiprecision::cpp_bin_float<420>,
                                           boost::multiprecision::et_off>;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

// The textbook formulas.
Wide exact_loss(double label, double margin) {
    const Wide z(margin);
    const Wide distance = abs(z);
    return (z > 0 ? z : Wide(0)) - label * z + log(1 + exp(-distance));
}

Wide exact_slope(double label, double margin) {
    const Wide u = exp(-abs(Wide(margin)));
    return (margin < 0 ? Wide(u / (1 + u)) : Wide(1 / (1 + u))) - label;
}

std::vector<double> margin_grid() {
    std::vector<double> grid{0};
    for (const double z :
         {5e-324, 1e-300, 1e-8, 1.0, 36.7, 37.0, 709.7, 710.0, 745.2, 1e4, 1e308}) {
        grid.push_back(z);
        grid.push_back(-z);
    }
    return grid;
}

TEST(BinaryCrossEntropy, AgreesWithTheTextbookInFourHundredDigitsOnTheGridOfMargins) {
    for (const double z : margin_grid()) {
        for (const double y : {0.0, 1.0}) {
            const LossAndSlope found = binary_cross_entropy(y, z);
            EXPECT_LT(ulps_between(found.loss, exact_loss(y, z)), 2) << y << " " << z;
            EXPECT_LT(ulps_between(found.slope, exact_slope(y, z)), 2) << y << " " << z;
        }
    }
}

TEST(BinaryCrossEntropy, AgreesWithTheTextbookForSoftLabels) {
    for (const double z : margin_grid()) {
        for (const double y : {0x1p-60, 0.1, 0.25, 0.5, 0.7, 1 - 0x1p-53}) {
            const LossAndSlope found = binary_cross_entropy(y, z);
            EXPECT_LT(ulps_between(found.loss, exact_loss(y, z)), 2) << y << " " << z;
            const auto slope_error =
                static_cast<double>(Wide(abs(Wide(found.slope) - exact_slope(y, z))));
            EXPECT_LT(slope_error, 4 * 0x1p-53) << y << " " << z;
        }
    }
}

TEST(BinaryCrossEntropy, IsRightToThreeUlpAtRandomMargins) {
    std::mt19937_64 random(1);
    std::normal_distribution<double> near(0, 3);
    std::uniform_real_distribution<double> far(-800, 800);
    double worst_loss = 0;
    double worst_slope = 0;
    for (int i = 0; i < 100000; ++i) {
        for (const double z : {near(random), far(random)}) {
            // Each label has a form without cancellation in the range of long double.
            const long double odds = std::exp(1.0L * z);
            const LossAndSlope zero = binary_cross_entropy(0, z);
            const LossAndSlope one = binary_cross_entropy(1, z);
            worst_loss = std::max(worst_loss, ulps_between(zero.loss, std::log1p(odds)));
            worst_loss = std::max(worst_loss, ulps_between(one.loss, std::log1p(1 / odds)));
            worst_slope = std::max(worst_slope, ulps_between(zero.slope, 1 / (1 + 1 / odds)));
            worst_slope = std::max(worst_slope, ulps_between(one.slope, -1 / (1 + odds)));
        }
    }
    EXPECT_LT(worst_loss, 2.0);
    EXPECT_LT(worst_slope, 3.0);
}

TEST(BinaryCrossEntropy, SwapsExactlyWithLabelAndSign) {
    std::mt19937_64 random(2);
    std::normal_distribution<double> normal(0, 20);
    std::vector<double> margins = margin_grid();
    for (int i = 0; i < 10000; ++i) {
        margins.push_back(normal(random));
    }
    for (const double z : margins) {
        for (const double y : {0.0, 1.0, 0.25, 0.5, 1 - 0x1p-53}) {
            const LossAndSlope here = binary_cross_entropy(y, z);
            const LossAndSlope mirrored = binary_cross_entropy(1 - y, -z);
            ASSERT_EQ(here.loss, mirrored.loss) << y << " " << z;
            ASSERT_EQ(here.slope, -mirrored.slope) << y << " " << z;
        }
    }
}

TEST(BinaryCrossEntropy, KeepsTheSlopeOfARowFarOnItsOwnSide) {
    EXPECT_LT(ulps_between(binary_cross_entropy(1, 100).slope, -std::exp(-100.0L)), 2);
    EXPECT_LT(ulps_between(binary_cross_entropy(0, -100).slope, std::exp(-100.0L)), 2);
}

TEST(BinaryCrossEntropy, HasASlopeWithinTheBoundsOfTheExactSums) {
    for (const double z : margin_grid()) {
        for (const double y : {0.0, 0.3, 1.0}) {
            EXPECT_LE(std::fabs(binary_cross_entropy(y, z).slope), 1.0);
            EXPECT_GE(binary_cross_entropy(y, z).loss, 0.0);
        }
    }
}

TEST(BinaryCrossEntropy, IsNanForAMarginThatIsNotFinite) {
    for (const double z : {infinity, -infinity, nan_value}) {
        for (const double y : {0.0, 0.5, 1.0}) {
            EXPECT_TRUE(std::isnan(binary_cross_entropy(y, z).loss)) << y << " " << z;
            EXPECT_TRUE(std::isnan(binary_cross_entropy(y, z).slope)) << y << " " << z;
        }
    }
}

}  // namespace
}  // namespace paralogit::model
