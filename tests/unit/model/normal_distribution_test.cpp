#include "paralogit/model/normal_distribution.hpp"

#include <gtest/gtest.h>

#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>
#include <limits>

namespace paralogit::model {
namespace {

using Real = boost::multiprecision::cpp_bin_float_100;

/// 2 Q(z), by a continued fraction far out and by the series near 0.
Real tail(const Real& z) {
    const Real density = exp(-z * z / 2) / sqrt(2 * boost::math::constants::pi<Real>());
    if (z > 3) {
        Real fraction = z;
        for (int k = 600; k >= 1; --k) {
            fraction = z + k / fraction;
        }
        return 2 * density / fraction;
    }
    Real term = z;
    Real sum = z;
    for (int k = 1; k < 300; ++k) {
        term *= z * z / (2 * k + 1);
        sum += term;
    }
    return 1 - 2 * density * sum;
}

TEST(TwoSidedPValue, KeepsItsDigitsFarOut) {
    for (const double z : {0.1, 1.0, 1.959963984540054, 2.9, 3.1, 8.0, 30.0, 37.5}) {
        const Real expected = tail(Real(z));
        const Real error = abs(Real(two_sided_p_value(z)) / expected - 1);
        EXPECT_LT(static_cast<double>(error), 4e-16) << z;
        EXPECT_EQ(two_sided_p_value(-z), two_sided_p_value(z));
    }
    EXPECT_EQ(two_sided_p_value(0.0), 1.0);
    EXPECT_EQ(two_sided_p_value(40.0), 0.0);
    EXPECT_EQ(two_sided_p_value(std::numeric_limits<double>::infinity()), 0.0);
    EXPECT_TRUE(std::isnan(two_sided_p_value(std::nan(""))));
}

TEST(TwoSidedQuantile, HasTheConfidenceBetweenItsSigns) {
    for (const double confidence : {1e-9, 0.1, 0.5, 0.9, 0.95, 0.99, 1 - 1e-9}) {
        const double quantile = two_sided_quantile(confidence);
        const Real between = 1 - tail(Real(quantile));
        // A quantile that is off by an ulp misses the confidence by density times ulp.
        const double error = static_cast<double>(abs(between - Real(confidence)));
        EXPECT_LT(error, 4e-16 * std::max(quantile * std::exp(-quantile * quantile / 2), 1e-9))
            << confidence;
    }
    EXPECT_NEAR(two_sided_quantile(0.95), 1.959963984540054, 2e-15);
}

}  // namespace
}  // namespace paralogit::model
