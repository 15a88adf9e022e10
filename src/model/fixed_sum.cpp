#include "paralogit/model/fixed_sum.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>

#include "paralogit/base/error.hpp"

namespace paralogit::model {

namespace {

constexpr int mantissa_bits = 52;
constexpr int exponent_of_last_bit = 1075;  // a double is mantissa 2^(biased exponent - 1075)
constexpr int sum_bits = 126;
constexpr int part_bits = 42;

}  // namespace

Int128 FixedSum::fixed(double value) const {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const int biased = static_cast<int>(bits >> mantissa_bits);
    const std::uint64_t fraction = bits & ((std::uint64_t{1} << mantissa_bits) - 1);
    const std::uint64_t mantissa =
        biased == 0 ? fraction : fraction | (std::uint64_t{1} << mantissa_bits);
    const int shift = (biased == 0 ? 1 : biased) - exponent_of_last_bit + sum_bits - exponent_;
    // Beyond the bound; this also finds signs, infinities and NaNs, whose exponents are largest.
    if (shift > sum_bits - mantissa_bits - 1 || biased >= 0x7ff) {
        if (value == 0) {
            return 0;  // -0.0, or the exponent is so small that zero itself looks large
        }
        throw Error(
            ExitCode::internal,
            fmt::format("internal error: {} is to be added to a sum below 2^{}", value, exponent_));
    }
    if (shift >= 0) {
        return Int128{mantissa} << shift;
    }
    constexpr int all_bits = mantissa_bits + 2;
    if (-shift >= all_bits) {
        return 0;
    }
    return Int128{(mantissa + (std::uint64_t{1} << (-shift - 1))) >> -shift};
}

double FixedSum::value(Int128 total) const {
    return std::ldexp(static_cast<double>(total), exponent_ - sum_bits);
}

std::array<std::int64_t, 3> to_parts(Int128 total) {
    constexpr Int128 mask = (Int128{1} << part_bits) - 1;
    return {static_cast<std::int64_t>(total & mask),
            static_cast<std::int64_t>((total >> part_bits) & mask),
            static_cast<std::int64_t>(total >> (2 * part_bits))};
}

Int128 from_parts(const std::array<std::int64_t, 3>& parts) {
    return Int128{parts[0]} + (Int128{parts[1]} << part_bits) + (Int128{parts[2]} << 2 * part_bits);
}

}  // namespace paralogit::model
