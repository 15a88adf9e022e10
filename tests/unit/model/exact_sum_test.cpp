#include "paralogit/model/exact_sum.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "paralogit/base/error.hpp"
#include "unit/model/owned_block.hpp"

namespace paralogit::model {
namespace {

using cpp_int = boost::multiprecision::number<boost::multiprecision::cpp_int_backend<>,
                                              boost::multiprecision::et_off>;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr Index most_partials = Index{1} << 30;

// Fixed point with the last place at 2^-1200: every double, and every bound below, is an integer
// of at most 2300 bits.
constexpr int fixed_point = 1200;

cpp_int exact(double value) {
    int exponent = 0;
    const auto mantissa = static_cast<std::int64_t>(std::ldexp(std::frexp(value, &exponent), 53));
    const int shift = exponent - 53 + fixed_point;
    return shift >= 0 ? cpp_int(mantissa) << shift : cpp_int(mantissa) / (cpp_int(1) << -shift);
}

cpp_int exact_sum_of(const std::vector<double>& values) {
    cpp_int sum = 0;
    for (const double value : values) {
        sum += exact(value);
    }
    return sum;
}

// W of the header.
int width_for(Index partials) {
    int h = 0;
    while ((Index{1} << h) < partials) {
        ++h;
    }
    return std::min(50, 62 - h);
}

// K 2^(E-2W-1) + u |sum|, or 2^-1075 in place of the second for a denormal sum.
cpp_int error_bound(const cpp_int& sum, std::int32_t exponent, Index partials) {
    const cpp_int reduction = cpp_int(partials)
                              << (exponent - 2 * width_for(partials) - 1 + fixed_point);
    const cpp_int rounding = abs(sum) >> 53;
    const cpp_int half_denormal = cpp_int(1) << (fixed_point - 1075);
    return reduction + (rounding > half_denormal ? rounding : half_denormal);
}

std::vector<std::int64_t> limbs_of(const ExactSums& sums) {
    return {sums.limbs().begin(), sums.limbs().end()};
}

// What a reduction over ranks does.
void add_limbs(ExactSums& into, const ExactSums& from) {
    for (std::size_t k = 0; k < into.limbs().size(); ++k) {
        into.limbs()[k] += from.limbs()[k];
    }
}

double below(std::int32_t exponent) {
    return std::ldexp(1 - 0x1p-53, exponent);
}

// A value below 2^exponent in magnitude: of any magnitude that a double has, near the bound, at the
// bound, zero or denormal.
double random_partial(std::mt19937_64& random, std::int32_t exponent) {
    std::uniform_real_distribution<double> mantissa(0.5, 1);
    const double sign = (random() & 1U) != 0 ? 1 : -1;
    switch (random() % 8) {
        case 0:
            return sign * 0.0;
        case 1:
            return sign * 5e-324 * static_cast<double>(random() % 1000);
        case 2:
            return sign * below(exponent);
        case 3: {
            std::uniform_int_distribution<int> any(-1074, exponent);
            return sign * std::ldexp(mantissa(random), any(random));
        }
        default: {
            std::uniform_int_distribution<int> near(exponent - 120, exponent);
            return sign * std::ldexp(mantissa(random), near(random));
        }
    }
}

class ExactSumsOfIsa : public ::testing::TestWithParam<Isa> {
  protected:
    static ExactSums zero_sums(std::vector<std::int32_t> exponents, Index partials) {
        return ExactSums(std::move(exponents), partials, GetParam());
    }
    static ExactSums summed(const std::vector<double>& values, std::int32_t exponent,
                            Index partials) {
        ExactSums sums = zero_sums({exponent}, partials);
        for (const double value : values) {
            EXPECT_TRUE(sums.add(0, value)) << value << " with exponent " << exponent;
        }
        return sums;
    }
};

INSTANTIATE_TEST_SUITE_P(, ExactSumsOfIsa, ::testing::ValuesIn(testing::supported_isas()),
                         [](const auto& test) { return std::string(name_of(test.param)); });

TEST_P(ExactSumsOfIsa, AreWithinTheirErrorBoundForPartialsOfAllMagnitudes) {
    std::mt19937_64 random(1);
    for (int trial = 0; trial < 3000; ++trial) {
        std::uniform_int_distribution<std::int32_t> any_exponent(-1000, 1014);
        const std::int32_t exponent = trial % 10 == 0 ? -1000 : any_exponent(random);
        const Index choices[] = {1, 2, 3, 1000, 4096, 4097, 1 << 20, most_partials};
        const Index partials = choices[random() % std::size(choices)];
        std::vector<double> values(
            random() % static_cast<std::uint64_t>(std::min<Index>(partials, 300)) + 1);
        std::ranges::generate(values, [&] { return random_partial(random, exponent); });

        const double found = summed(values, exponent, partials).value(0);

        const cpp_int sum = exact_sum_of(values);
        ASSERT_LE(abs(exact(found) - sum), error_bound(sum, exponent, partials))
            << "exponent " << exponent << ", K " << partials;
    }
}

TEST_P(ExactSumsOfIsa, CarryPartialsOfThePromisedMagnitudeExactly) {
    std::mt19937_64 random(2);
    std::uniform_real_distribution<double> mantissa(0.5, 1);
    for (int trial = 0; trial < 2000; ++trial) {
        const std::int32_t exponent = trial % 2 == 0 ? 40 : -700;
        const Index choices[] = {1, 300, 1 << 18, 1 << 24};
        const Index partials = choices[random() % std::size(choices)];
        const int lowest = exponent - 2 * width_for(partials) + 53;
        std::uniform_int_distribution<int> carried(lowest + 1, exponent);
        std::vector<double> values(
            random() % static_cast<std::uint64_t>(std::min<Index>(partials, 300)) + 1);
        std::ranges::generate(values, [&] {
            const double sign = (random() & 1U) != 0 ? 1 : -1;
            return sign * std::ldexp(mantissa(random), carried(random));
        });
        const cpp_int sum = exact_sum_of(values);
        const cpp_int found = exact(summed(values, exponent, partials).value(0));
        ASSERT_LE(abs(found - sum), abs(sum) >> 53);
    }
}

TEST_P(ExactSumsOfIsa, KeepSmallPartialsBesideAnOutlier) {
    std::mt19937_64 random(3);
    std::normal_distribution<double> normal;
    std::vector<double> values(1000);
    std::ranges::generate(values, [&] { return normal(random); });
    const std::vector<double> small = values;
    values.push_back(1e12);
    values.push_back(-1e12);
    const cpp_int sum = exact_sum_of(values);
    ASSERT_EQ(sum, exact_sum_of(small));
    const cpp_int found = exact(summed(values, 40, 1 << 20).value(0));
    EXPECT_LE(abs(found - sum), error_bound(sum, 40, 1 << 20));
    EXPECT_LE(abs(found - sum), abs(sum) / 1'000'000'000'000);
}

TEST_P(ExactSumsOfIsa, GiveTheSameBitsInAnyOrderAndGrouping) {
    std::mt19937_64 random(4);
    for (const std::int32_t exponent : {-1000, -300, 0, 41, 1000}) {
        std::vector<double> values(500);
        std::ranges::generate(values, [&] { return random_partial(random, exponent); });
        const ExactSums reference = summed(values, exponent, 500);
        for (int trial = 0; trial < 30; ++trial) {
            std::ranges::shuffle(values, random);
            const std::size_t ranks = 1 + random() % 7;
            std::vector<ExactSums> parts(ranks, zero_sums({exponent}, 500));
            for (const double value : values) {
                ASSERT_TRUE(parts[random() % ranks].add(0, value));
            }
            ExactSums total = zero_sums({exponent}, 500);
            for (const ExactSums& part : parts) {
                add_limbs(total, part);
            }
            ASSERT_EQ(limbs_of(total), limbs_of(reference));
            ASSERT_EQ(total.value(0), reference.value(0));
        }
    }
}

TEST_P(ExactSumsOfIsa, HaveRoomForEveryPartialAtTheBound) {
    for (const std::int32_t exponent : {-1000, 0, 900}) {
        for (const double sign : {1.0, -1.0}) {
            const double partial = sign * below(exponent);
            ExactSums sums = summed({partial}, exponent, most_partials);
            // Thirty reductions over two equal ranks: 2^30 partials in all.
            for (int doubling = 0; doubling < 30; ++doubling) {
                add_limbs(sums, sums);
            }
            const cpp_int sum = exact(partial) << 30;
            EXPECT_LE(abs(exact(sums.value(0)) - sum), error_bound(sum, exponent, most_partials));
            EXPECT_EQ(sums.limbs()[0], sign > 0 ? Index{1} << 62 : -(Index{1} << 62));
        }
    }
}

TEST_P(ExactSumsOfIsa, HaveRoomForPartialsAddedOneByOne) {
    constexpr Index partials = 1 << 20;
    ExactSums sums = zero_sums({10}, partials);
    const double partial = below(10);
    for (Index k = 0; k < partials; ++k) {
        ASSERT_TRUE(sums.add(0, partial));
    }
    EXPECT_EQ(sums.value(0), partial * 0x1p20);
}

TEST_P(ExactSumsOfIsa, RefusePartialsAtTheBoundAndAddNothingAtAll) {
    for (const std::int32_t exponent : {-1000, -1, 0, 7, 1022, 1023}) {
        const double bound = std::ldexp(1.0, exponent);
        for (const double bad : {bound, -bound, infinity, -infinity, nan_value}) {
            ExactSums sums = zero_sums({exponent, exponent, exponent}, 10);
            ASSERT_TRUE(sums.add(0, std::vector<double>{bound / 2, bound / 3, -bound / 5}));
            const std::vector<std::int64_t> before = limbs_of(sums);
            EXPECT_FALSE(sums.add(0, std::vector<double>{bound / 4, bad, bound / 4}));
            EXPECT_FALSE(sums.add(0, std::vector<double>{bound / 4, bound / 4, bad}));
            EXPECT_FALSE(sums.add(2, bad));
            EXPECT_EQ(limbs_of(sums), before) << bad;
        }
        ExactSums sums = zero_sums({exponent}, 10);
        EXPECT_TRUE(sums.add(0, below(exponent)));
        EXPECT_TRUE(sums.add(0, -below(exponent)));
        EXPECT_EQ(sums.value(0), 0.0);
    }
}

TEST_P(ExactSumsOfIsa, AreExactForOnePartialAtTheEndsOfTheRange) {
    for (const double value : {below(1023), -below(1023), 0x1p970, 0x1p1022 + 0x1p970}) {
        EXPECT_EQ(summed({value}, 1023, 1).value(0), value);
    }
    for (const double value : {below(-1000), 5e-324, -5e-324, 0x1p-1022, 3e-310, 0.0, -0.0}) {
        EXPECT_EQ(summed({value}, -1000, 1).value(0), value);
    }
    // Far below the bound a partial counts nothing, however its scaling underflows.
    EXPECT_EQ(summed({5e-324, 1e-300, -1e-310}, 1023, 3).value(0), 0.0);
}

TEST_P(ExactSumsOfIsa, RoundASumAmongTheDenormalsOnce) {
    // With K = 1, E = -1000 and W = 50, one unit of the low limb is 2^-1100, and 2^26 of them are
    // the last bit of a denormal. A sum just above a half of that must round up; rounded to 53 bits
    // first, it would become a tie and go down to even.
    constexpr std::int64_t last_bit = std::int64_t{1} << 26;
    const auto decoded = [](std::int64_t high, std::int64_t low) {
        ExactSums sums = zero_sums({-1000}, 1);
        sums.limbs()[0] = high;
        sums.limbs()[1] = low;
        return sums.value(0);
    };
    // high limb: 2^-1050 = 2^24 last bits of a denormal.
    EXPECT_EQ(decoded(1, last_bit / 2 + 1), 0x1p-1050 + 5e-324);
    EXPECT_EQ(decoded(1, last_bit / 2), 0x1p-1050);
    EXPECT_EQ(decoded(1, last_bit / 2 - 1), 0x1p-1050);
    EXPECT_EQ(decoded(1, last_bit + last_bit / 2), 0x1p-1050 + 2 * 5e-324);
    EXPECT_EQ(decoded(-1, -last_bit / 2), -0x1p-1050);
    EXPECT_EQ(decoded(-1, -last_bit / 2 - 1), -0x1p-1050 - 5e-324);
    // Seventy-eight bits that a first rounding to 53 would turn into a tie: 2^27 high limbs.
    constexpr std::int64_t high = std::int64_t{1} << 27;
    EXPECT_EQ(decoded(high, last_bit / 2 + 1), 0x1p-1023 + 5e-324);
    EXPECT_EQ(decoded(high, last_bit / 2), 0x1p-1023);
    EXPECT_EQ(decoded(high, -last_bit / 2 - 1), 0x1p-1023 - 5e-324);
    // The largest denormal rounds up to the smallest normal number.
    EXPECT_EQ(decoded(2 * high, -last_bit / 2), 0x1p-1022);
    EXPECT_EQ(decoded(2 * high, -last_bit / 2 - 1), 0x1p-1022 - 5e-324);
    EXPECT_EQ(decoded(2 * high, last_bit / 2 + 1), 0x1p-1022 + 5e-324);
}

TEST_P(ExactSumsOfIsa, AreInfiniteBeyondTheRangeOfDouble) {
    EXPECT_EQ(summed({below(1023), below(1023)}, 1023, 3).value(0), 2 * below(1023));
    EXPECT_EQ(summed({below(1023), below(1023), below(1023)}, 1023, 3).value(0), infinity);
}

TEST_P(ExactSumsOfIsa, HoldManySumsWithAnExponentEach) {
    ExactSums sums = zero_sums({0, 50, -500}, 4);
    EXPECT_EQ(sums.size(), 3);
    EXPECT_EQ(sums.limbs().size(), 6U);
    EXPECT_TRUE(sums.add(0, std::vector<double>{0.25, 1e15, 1e-160}));
    EXPECT_TRUE(sums.add(1, std::vector<double>{3, -4e-160}));
    EXPECT_TRUE(sums.add(0, 0.5));
    EXPECT_EQ(sums.value(0), 0.75);
    EXPECT_EQ(sums.value(1), 1e15 + 3);
    EXPECT_EQ(sums.value(2), 1e-160 - 4e-160);
    sums.clear();
    EXPECT_EQ(limbs_of(sums), std::vector<std::int64_t>(6, 0));
    EXPECT_EQ(sums.value(1), 0.0);
}

TEST_P(ExactSumsOfIsa, TakeANewBoundWhileTheyAreZero) {
    ExactSums sums = zero_sums({0, 0}, 4);
    sums.set_exponent(1, 10);
    EXPECT_FALSE(sums.add(0, 600.0));
    EXPECT_TRUE(sums.add(1, 600.0));
    EXPECT_EQ(sums.value(1), 600.0);
    EXPECT_THROW(sums.set_exponent(1, 11), Error);
    EXPECT_EQ(sums.value(1), 600.0);
    sums.clear();
    sums.set_exponent(1, 9);
    EXPECT_FALSE(sums.add(1, 600.0));
    EXPECT_THROW(sums.set_exponent(1, 1024), Error);
    EXPECT_THROW(sums.set_exponent(1, -1001), Error);
}

TEST_P(ExactSumsOfIsa, RefuseMoreThanTwoToTheThirtyPartials) {
    EXPECT_NO_THROW(zero_sums({0}, most_partials));
    try {
        const ExactSums sums = zero_sums({0}, most_partials + 1);
        FAIL() << "no error for " << sums.size() << " sum";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::input_data);
        EXPECT_NE(std::string(error.what()).find("1073741825"), std::string::npos);
    }
    EXPECT_THROW(zero_sums({0}, 0), Error);
    EXPECT_THROW(zero_sums({1024}, 1), Error);
    EXPECT_THROW(zero_sums({-1001}, 1), Error);
}

TEST_P(ExactSumsOfIsa, HaveTheLimbsOfTheirDefinition) {
    std::mt19937_64 random(5);
    for (const Index partials : {Index{1}, Index{5000}, most_partials}) {
        const int width = width_for(partials);
        for (const std::int32_t exponent : {-1000, -3, 0, 60, 1023}) {
            // Any number of values, so that each lies in each lane of a group of eight.
            for (std::size_t count = 0; count < 35; ++count) {
                std::vector<double> values(count);
                std::ranges::generate(values, [&] { return random_partial(random, exponent); });
                if (count > 0) {
                    // Ties: t = 2.5 units, t - a = 1.5 units of the low limb.
                    values[random() % count] = std::ldexp(2.5, exponent - width);
                    values[random() % count] = std::ldexp(-1.5, exponent - 2 * width);
                }
                ExactSums sums =
                    zero_sums(std::vector<std::int32_t>(count + 2, exponent), partials);
                ASSERT_TRUE(sums.add(1, values));
                for (std::size_t k = 0; k < count + 2; ++k) {
                    const double value = k == 0 || k == count + 1 ? 0 : values[k - 1];
                    const long double t = std::ldexp(1.0L * value, width - exponent);
                    const long double high = std::rint(t);
                    ASSERT_EQ(sums.limbs()[k], static_cast<std::int64_t>(high)) << value;
                    ASSERT_EQ(sums.limbs()[count + 2 + k],
                              static_cast<std::int64_t>(std::rint(std::ldexp(t - high, width))))
                        << value;
                }
            }
        }
    }
}

TEST_P(ExactSumsOfIsa, RefuseAViolationAtAnyPlaceAndAddNothing) {
    for (std::size_t count = 1; count < 27; ++count) {
        for (std::size_t place = 0; place < count; ++place) {
            for (const double bad : {8.0, -8.0, infinity, -infinity, nan_value}) {
                ExactSums sums = zero_sums(std::vector<std::int32_t>(count, 3), 10);
                std::vector<double> values(count, below(3));
                ASSERT_TRUE(sums.add(0, values));
                const std::vector<std::int64_t> before = limbs_of(sums);
                values[place] = bad;
                ASSERT_FALSE(sums.add(0, values)) << bad << " at " << place << " of " << count;
                ASSERT_EQ(limbs_of(sums), before);
            }
        }
    }
}

TEST_P(ExactSumsOfIsa, AddTheSumsOfAnother) {
    std::mt19937_64 random(6);
    const std::vector<std::int32_t> exponents{-900, -2, 0, 0, 7, 40, 41, 300, 1000, 3, 12};
    ExactSums all = zero_sums(exponents, 300);
    std::vector<ExactSums> parts(3, all);
    for (int k = 0; k < 300; ++k) {
        std::vector<double> values;
        for (const std::int32_t exponent : exponents) {
            values.push_back(random_partial(random, exponent));
        }
        ASSERT_TRUE(all.add(0, values));
        ASSERT_TRUE(parts[random() % 3].add(0, values));
    }
    parts[2].add(parts[0]);
    parts[2].add(parts[1]);
    EXPECT_EQ(limbs_of(parts[2]), limbs_of(all));
}

TEST_P(ExactSumsOfIsa, RefuseToAddSumsWithOtherBounds) {
    ExactSums sums = zero_sums({0, 5}, 100);
    ASSERT_TRUE(sums.add(1, 3.0));
    for (const ExactSums& other :
         {zero_sums({0, 6}, 100), zero_sums({0}, 100), zero_sums({0, 5}, 10'000'000)}) {
        try {
            sums.add(other);
            FAIL() << "no error";
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ExitCode::internal);
        }
        EXPECT_EQ(sums.value(1), 3.0);
    }
    // Other numbers of partials with the same width.
    EXPECT_NO_THROW(sums.add(zero_sums({0, 5}, 200)));
}

TEST(ExactSumValue, IsTheSumOfBothLimbsRoundedOnceWhateverTheirSize) {
    // Quadruple precision holds the sum of both limbs exactly.
    __extension__ using Quadruple = __float128;
    std::mt19937_64 random(11);
    for (const int width : {32, 50}) {
        for (const std::int32_t exponent : {-900, 0, 1000}) {
            for (int trial = 0; trial < 20000; ++trial) {
                const auto high = static_cast<std::int64_t>(random()) >> (2 + random() % 61);
                const auto low = static_cast<std::int64_t>(random()) >> (2 + random() % 61);
                const auto sum = static_cast<double>(
                    Quadruple(high) * Quadruple(std::ldexp(1.0, width)) + Quadruple(low));
                EXPECT_EQ(exact_sum_value(high, low, width, exponent),
                          std::ldexp(sum, exponent - 2 * width));
            }
        }
    }
    // A tie that the low limb breaks, beside one that it makes.
    constexpr std::int64_t odd = (std::int64_t{1} << 52) + 1;
    constexpr std::int64_t half = std::int64_t{1} << 49;
    EXPECT_EQ(exact_sum_value(odd, half + 1, 50, 50), 0x1p52 + 2);
    EXPECT_EQ(exact_sum_value(odd, -half, 50, 50), 0x1p52);
}

TEST(ExponentAbove, IsTheSmallestPowerOfTwoAboveTheValue) {
    EXPECT_EQ(exponent_above(1), 1);
    EXPECT_EQ(exponent_above(-1), 1);
    EXPECT_EQ(exponent_above(0.75), 0);
    EXPECT_EQ(exponent_above(std::nextafter(1.0, 0.0)), 0);
    EXPECT_EQ(exponent_above(-1000), 10);
    EXPECT_EQ(exponent_above(std::numeric_limits<double>::max()), 1024);
    EXPECT_EQ(exponent_above(0x1p-1000), -999);
    EXPECT_EQ(exponent_above(0x1p-1020), -1000);
    EXPECT_EQ(exponent_above(0), -1000);
    EXPECT_EQ(exponent_above(-0.0, 5), 5);
    EXPECT_EQ(exponent_above(3, 5), 5);
    EXPECT_EQ(exponent_above(5e-324, -2000), -1073);
    EXPECT_EQ(exponent_above(5e-324), -1000);
}

}  // namespace
}  // namespace paralogit::model
