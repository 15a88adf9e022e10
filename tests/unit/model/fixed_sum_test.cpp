#include "paralogit/model/fixed_sum.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "paralogit/base/error.hpp"

namespace paralogit::model {
namespace {

// Wide enough to add up doubles of exponents from -100 to 100 without rounding.
using Wide = boost::multiprecision::number<
    boost::multiprecision::cpp_bin_float<400, boost::multiprecision::digit_base_2>>;

std::vector<double> numbers_over(int decades, std::size_t count) {
    std::mt19937_64 random(7);
    std::uniform_real_distribution<double> exponent(-decades, 0);
    std::vector<double> numbers(count);
    std::ranges::generate(numbers, [&] { return std::pow(10.0, exponent(random)); });
    return numbers;
}

TEST(FixedSums, AreTheRoundedExactSum) {
    const std::vector<double> numbers = numbers_over(20, 5000);
    FixedSum sum(13);
    Wide exact = 0;
    for (const double number : numbers) {
        sum.add(number);
        exact += number;
    }
    EXPECT_EQ(sum.value(), static_cast<double>(exact));
}

TEST(FixedSums, GiveTheSameBitsInAnyOrder) {
    std::vector<double> numbers = numbers_over(60, 3000);
    FixedSum rising(12);
    FixedSum falling(12);
    std::ranges::for_each(numbers, [&](double number) { rising.add(number); });
    std::ranges::reverse(numbers);
    std::ranges::for_each(numbers, [&](double number) { falling.add(number); });
    EXPECT_TRUE(rising.total() == falling.total());
}

TEST(FixedSums, RoundWhatIsFarBelowTheBoundToTheNearest) {
    // The last place is 2^-126: three quarters of it are one, one quarter is none.
    FixedSum sum(0);
    sum.add(0.75 * 0x1p-126);
    EXPECT_EQ(sum.value(), 0x1p-126);
    sum.add(0.25 * 0x1p-126);
    sum.add(std::numeric_limits<double>::denorm_min());
    EXPECT_EQ(sum.value(), 0x1p-126);
}

TEST(FixedSums, TakeBoundsAtTheEndsOfTheRange) {
    FixedSum large(1023);
    large.add(0x1p1022);
    EXPECT_EQ(large.value(), 0x1p1022);
    FixedSum small(-1000);
    small.add(0x1p-1074);
    small.add(0x1p-1001);
    EXPECT_TRUE(small.total() == (Int128{1} << 125) + (Int128{1} << 52));
    small.add(0.0);
    small.add(-0.0);
    EXPECT_TRUE(small.total() == (Int128{1} << 125) + (Int128{1} << 52));
}

TEST(FixedSums, RefuseWhatIsBeyondTheBound) {
    FixedSum sum(3);
    sum.add(std::nextafter(8.0, 0.0));
    for (const double wrong : {8.0, 1e300, -1e-300, std::numeric_limits<double>::infinity(),
                               std::numeric_limits<double>::quiet_NaN()}) {
        EXPECT_THROW(sum.add(wrong), Error) << wrong;
    }
}

TEST(FixedSums, TravelInThreeParts) {
    const Int128 small = (Int128{0x123456789abcdef} << 62) + 0x3edcba987654321;
    const Int128 large = (Int128{1} << 126) - 1;
    EXPECT_TRUE(from_parts(to_parts(small)) == small);
    EXPECT_TRUE(from_parts(to_parts(large)) == large);
    // As sums over ranks: part by part.
    auto parts = to_parts(small);
    for (int more = 1; more < 8; ++more) {
        const auto again = to_parts(small);
        std::transform(parts.begin(), parts.end(), again.begin(), parts.begin(), std::plus<>());
    }
    EXPECT_TRUE(from_parts(parts) == 8 * small);
    for (const std::int64_t part : to_parts(large)) {
        EXPECT_LT(part, std::int64_t{1} << 42);
    }
}

}  // namespace
}  // namespace paralogit::model
