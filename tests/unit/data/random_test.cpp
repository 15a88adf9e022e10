#include "../../../src/data/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace paralogit::data {
namespace {

using Bits = std::array<std::uint32_t, 4>;

TEST(Philox, GivesThePublishedAnswers) {
    // The known answers that come with the authors' Random123 library.
    const std::uint32_t ones = 0xFFFFFFFF;

    EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Bits{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
    EXPECT_EQ(philox({ones, ones, ones, ones}, {ones, ones}),
              (Bits{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
    EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
              (Bits{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(OpenUnit, NeverReachesItsEnds) {
    EXPECT_GT(open_unit(0), 0.0);
    EXPECT_LT(open_unit(~std::uint64_t{0}), 1.0);
    EXPECT_EQ(open_unit(0), 1 - open_unit(~std::uint64_t{0}));
}

TEST(NormalQuantile, InvertsTheDistributionFunction) {
    std::vector<double> probabilities{0.5, 0.075, 0.0749, 0.925, 0.9251, 1e-11, 2e-11, 0x1p-53};
    for (int i = 1; i < 1000; ++i) {
        probabilities.push_back(i / 1000.0);
        probabilities.push_back(std::ldexp(1.0, -i / 19 - 1));
    }
    const long double root_2 = std::sqrt(2.0L);
    for (const double p : probabilities) {
        const long double x = normal_quantile(p);
        // One Newton step of the inversion in long double: what x still lacks.
        const long double density = std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0L));
        const long double missing = (std::erfc(-x / root_2) / 2 - p) / density;
        EXPECT_LE(std::abs(missing), 2e-15L * std::max(1.0L, std::abs(x))) << "p = " << p;
    }
}

/// The value of a binary16 number from its definition.
double value_of_half(std::uint32_t bits) {
    const double sign = (bits >> 15U) != 0 ? -1 : 1;
    const int exponent = static_cast<int>((bits >> 10U) & 31U);
    const int fraction = static_cast<int>(bits & 1023U);
    return exponent == 0 ? sign * std::ldexp(fraction, -24)
                         : sign * std::ldexp(1024 + fraction, exponent - 25);
}

TEST(ToFloat16, KeepsEveryNumberOfTheFormat) {
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
        if (((bits >> 10U) & 31U) != 31U) {
            ASSERT_EQ(to_float16(value_of_half(bits)), bits);
        }
    }
}

TEST(ToFloat16, RoundsToTheNearestAndHalvesToEven) {
    for (std::uint32_t bits = 0; bits + 1 < 0x7C00; ++bits) {
        const double low = value_of_half(bits);
        const double high = value_of_half(bits + 1);
        const double middle = (low + high) / 2;
        const std::uint32_t even = bits % 2 == 0 ? bits : bits + 1;
        ASSERT_EQ(to_float16(middle), even);
        ASSERT_EQ(to_float16(-middle), even | 0x8000U);
        ASSERT_EQ(to_float16(std::nextafter(middle, 0.0)), bits);
        ASSERT_EQ(to_float16(std::nextafter(middle, 1e9)), bits + 1);
    }
}

TEST(ToFloat16, GoesToInfinityBeyondItsRange) {
    const double inf = std::numeric_limits<double>::infinity();

    EXPECT_EQ(to_float16(std::nextafter(65520.0, 0.0)), 0x7BFF);
    EXPECT_EQ(to_float16(65520), 0x7C00);
    EXPECT_EQ(to_float16(-inf), 0xFC00);
    EXPECT_EQ(to_float16(1e-300), 0);
    EXPECT_EQ(to_float16(-0.0), 0x8000);
    EXPECT_EQ(to_float16(std::nan("")) & 0x7E00U, 0x7E00U);
}

}  // namespace
}  // namespace paralogit::data
