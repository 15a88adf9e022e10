#include "random.hpp"

#include <bit>
#include <cmath>

#include "paralogit/model/math.hpp"

namespace paralogit::data {

namespace {

using Coefficients = std::array<double, 8>;

/// Highest power first.
double polynomial(const Coefficients& coefficients, double x) {
    double sum = 0;
    for (const double coefficient : coefficients) {
        sum = sum * x + coefficient;
    }
    return sum;
}

/// A quotient of two polynomials.
struct Rational {
    Coefficients numerator;
    Coefficients denominator;

    double operator()(double x) const {
        return polynomial(numerator, x) / polynomial(denominator, x);
    }
};

constexpr Rational centre{
    .numerator = {2509.0809287301226727, 33430.575583588128105, 67265.770927008700853,
                  45921.953931549871457, 13731.693765509461125, 1971.5909503065514427,
                  133.14166789178437745, 3.387132872796366608},
    .denominator = {5226.495278852854561, 28729.085735721942674, 39307.89580009271061,
                    21213.794301586595867, 5394.1960214247511077, 687.1870074920579083,
                    42.313330701600911252, 1.0}};

constexpr Rational near_tail{
    .numerator = {7.7454501427834140764e-4, .0227238449892691845833, .24178072517745061177,
                  1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055,
                  4.6303378461565452959, 1.42343711074968357734},
    .denominator = {1.05075007164441684324e-9, 5.475938084995344946e-4, .0151986665636164571966,
                    .14810397642748007459, .68976733498510000455, 1.6763848301838038494,
                    2.05319162663775882187, 1.0}};

constexpr Rational far_tail{
    .numerator = {2.01033439929228813265e-7, 2.71155556874348757815e-5, .0012426609473880784386,
                  .026532189526576123093, .29656057182850489123, 1.7848265399172913358,
                  5.4637849111641143699, 6.6579046435011037772},
    .denominator = {2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5,
                    7.868691311456132591e-4, .0148753612908506148525, .13692988092273580531,
                    .59983220655588793769, 1.0}};

}  // namespace

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key) {
    constexpr std::uint64_t multiplier_0 = 0xD2511F53;
    constexpr std::uint64_t multiplier_1 = 0xCD9E8D57;
    constexpr std::uint32_t weyl_0 = 0x9E3779B9;
    constexpr std::uint32_t weyl_1 = 0xBB67AE85;
    const auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32U); };
    const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t product_0 = multiplier_0 * counter[0];
        const std::uint64_t product_1 = multiplier_1 * counter[2];
        counter = {high(product_1) ^ counter[1] ^ key[0], low(product_1),
                   high(product_0) ^ counter[3] ^ key[1], low(product_0)};
        key = {key[0] + weyl_0, key[1] + weyl_1};
    }
    return counter;
}

double normal_quantile(double p) {
    const double q = p - 0.5;
    if (std::abs(q) <= 0.425) {
        return q * centre(0.180625 - q * q);
    }
    const double r = std::sqrt(-model::log_of_positive(q < 0 ? p : 1 - p));
    const double magnitude = r <= 5 ? near_tail(r - 1.6) : far_tail(r - 5);
    return q < 0 ? -magnitude : magnitude;
}

double open_unit(std::uint64_t bits) {
    // Half a unit off the grid, so that neither 0 nor 1 comes out.
    return (static_cast<double>(bits >> 12U) + 0.5) * 0x1p-52;
}

std::uint16_t to_float16(double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const auto sign = static_cast<std::uint16_t>((bits >> 48U) & 0x8000U);
    const double magnitude = std::abs(value);
    if (std::isnan(value)) {
        return static_cast<std::uint16_t>(sign | 0x7E00U);
    }
    if (magnitude >= 65520) {  // half-way between the largest number and the next power of two
        return static_cast<std::uint16_t>(sign | 0x7C00U);
    }
    // In units of the last place, which below 2^-14 is that of the subnormal numbers. The scaled
    // value is exact, and its integer part has 11 bits at most before rounding.
    const int exponent =
        magnitude < 0x1p-14 ? -14 : static_cast<int>((bits >> 52U) & 0x7FFU) - 1023;
    const double units = std::ldexp(magnitude, 10 - exponent);
    auto significand = static_cast<std::uint32_t>(units);
    const double rest = units - significand;
    if (rest > 0.5 || (rest == 0.5 && significand % 2 == 1)) {
        ++significand;
    }
    // The leading bit of a normal number adds 1 to the exponent field, and so does a carry.
    const auto field = static_cast<std::uint32_t>(exponent + 14) << 10U;
    return static_cast<std::uint16_t>(sign | (field + significand));
}

}  // namespace paralogit::data
