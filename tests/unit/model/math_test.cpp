#include "paralogit/model/math.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "unit/model/ulp.hpp"

namespace paralogit::model {
namespace {

using FiftyDigits = boost::multiprecision::number<boost::multiprecision::cpp_bin_float<50>,
                                                  boost::multiprecision::et_off>;
using testing::ulps_between;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr double denormal = std::numeric_limits<double>::denorm_min();
constexpr double smallest_normal = std::numeric_limits<double>::min();
constexpr double largest = std::numeric_limits<double>::max();

// x87 long double carries 11 bits more than double: an oracle good to a thousandth of an ulp.
static_assert(std::numeric_limits<long double>::digits >= 64);

// A positive double of any exponent in [low, high).
double random_magnitude(std::mt19937_64& random, int low, int high) {
    std::uniform_real_distribution<double> mantissa(1, 2);
    std::uniform_int_distribution<int> exponent(low, high - 1);
    return std::ldexp(mantissa(random), exponent(random));
}

TEST(Exp, IsRightAtTheBorders) {
    EXPECT_EQ(exp_of_nonpositive(0.0), 1.0);
    EXPECT_EQ(exp_of_nonpositive(-0.0), 1.0);
    EXPECT_EQ(exp_of_nonpositive(-denormal), 1.0);
    EXPECT_EQ(exp_of_nonpositive(-745.2), 0.0);
    EXPECT_EQ(exp_of_nonpositive(-746.0), 0.0);
    EXPECT_EQ(exp_of_nonpositive(-1e308), 0.0);
    EXPECT_EQ(exp_of_nonpositive(-infinity), 0.0);
    EXPECT_EQ(exp_of_nonpositive(-744.5), denormal);
    EXPECT_TRUE(std::isnan(exp_of_nonpositive(nan_value)));
    EXPECT_TRUE(std::isnan(exp_of_nonpositive(-nan_value)));
}

TEST(Exp, IsOffByLessThanSevenTenthsOfAnUlpWhereTheResultIsNormal) {
    std::mt19937_64 random(1);
    std::uniform_real_distribution<double> wide(-708.39, 0);
    std::uniform_real_distribution<double> narrow(-2, 0);
    double worst = 0;
    for (int i = 0; i < 200000; ++i) {
        for (const double x : {wide(random), narrow(random), -random_magnitude(random, -70, 9)}) {
            worst = std::max(worst, ulps_between(exp_of_nonpositive(x), std::exp(1.0L * x)));
        }
    }
    EXPECT_LT(worst, 0.7);
}

TEST(Exp, UnderflowsGraduallyThroughTheDenormals) {
    std::mt19937_64 random(2);
    std::uniform_real_distribution<double> into_denormals(-745.2, -708.3);
    double worst = 0;
    for (int i = 0; i < 100000; ++i) {
        const double x = into_denormals(random);
        worst = std::max(worst, ulps_between(exp_of_nonpositive(x), std::exp(1.0L * x)));
    }
    EXPECT_LT(worst, 1.1);
}

TEST(Exp, AgreesWithFiftyDigitsAtTheEndsOfTheReducedRange) {
    const double half_ln2 = 0.34657359027997264;
    for (int k = 0; k <= 1020; ++k) {
        for (const double offset : {-half_ln2, -1e-9, 0.0, 1e-9, half_ln2}) {
            const double x = -k * 2 * half_ln2 + offset;
            if (x > 0) {
                continue;
            }
            const FiftyDigits exact = exp(FiftyDigits(x));
            ASSERT_LT(ulps_between(exp_of_nonpositive(x), exact), 0.7) << x;
        }
    }
}

TEST(Log1p, IsRightAtTheBorders) {
    EXPECT_EQ(log1p_of_unit(0.0), 0.0);
    EXPECT_EQ(log1p_of_unit(1.0), 0.6931471805599453);
    EXPECT_EQ(log1p_of_unit(denormal), denormal);
    EXPECT_EQ(log1p_of_unit(3 * denormal), 3 * denormal);
    EXPECT_EQ(log1p_of_unit(smallest_normal), smallest_normal);
    EXPECT_TRUE(std::isnan(log1p_of_unit(nan_value)));
}

TEST(Log1p, IsOffByLessThanOneUlpFromDenormalsToOne) {
    std::mt19937_64 random(3);
    std::uniform_real_distribution<double> unit(0, 1);
    double worst = 0;
    for (int i = 0; i < 200000; ++i) {
        for (const double u : {unit(random), random_magnitude(random, -1074, 0)}) {
            worst = std::max(worst, ulps_between(log1p_of_unit(u), std::log1p(1.0L * u)));
        }
    }
    EXPECT_LT(worst, 1.0);
}

TEST(Log1p, AgreesWithFiftyDigitsWhereTheFoldBegins) {
    for (int step = -50; step < 50; ++step) {
        const double u = 0.5 + step * 0x1p-53;
        const FiftyDigits exact = log(1 + FiftyDigits(u));
        ASSERT_LT(ulps_between(log1p_of_unit(u), exact), 1.0) << u;
    }
}

TEST(Log, IsRightAtTheBorders) {
    EXPECT_EQ(log_of_positive(1.0), 0.0);
    EXPECT_EQ(log_of_positive(2.0), 0.6931471805599453);
    EXPECT_EQ(log_of_positive(denormal), -744.4400719213812);
    EXPECT_EQ(log_of_positive(smallest_normal), -708.3964185322641);
    EXPECT_EQ(log_of_positive(largest), 709.782712893384);
}

TEST(Log, IsOffByLessThanOneUlpForAllMagnitudes) {
    std::mt19937_64 random(4);
    double worst = 0;
    for (int i = 0; i < 200000; ++i) {
        for (const double x :
             {random_magnitude(random, -1074, 1024), random_magnitude(random, -2, 2),
              1 + random_magnitude(random, -52, 0), 1 - random_magnitude(random, -53, -1)}) {
            worst = std::max(worst, ulps_between(log_of_positive(x), std::log(1.0L * x)));
        }
    }
    EXPECT_LT(worst, 1.0);
}

TEST(Sigmoid, IsRightToThreeUlpAndFlatAtTheInfinities) {
    EXPECT_EQ(sigmoid(0.0), 0.5);
    EXPECT_EQ(sigmoid(infinity), 1.0);
    EXPECT_EQ(sigmoid(-infinity), 0.0);
    EXPECT_EQ(sigmoid(1e308), 1.0);
    EXPECT_EQ(sigmoid(-1e308), 0.0);
    EXPECT_TRUE(std::isnan(sigmoid(nan_value)));

    std::mt19937_64 random(5);
    std::uniform_real_distribution<double> margin(-708, 708);
    double worst = 0;
    for (int i = 0; i < 100000; ++i) {
        for (const double z : {margin(random), margin(random) / 100}) {
            worst = std::max(worst, ulps_between(sigmoid(z), 1 / (1 + std::exp(-1.0L * z))));
        }
    }
    EXPECT_LT(worst, 3.0);
}

}  // namespace
}  // namespace paralogit::model
