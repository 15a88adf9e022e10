#include "paralogit/model/exact_sum.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "paralogit/base/error.hpp"

namespace paralogit::model {

namespace {

__extension__ using Int128 = __int128;

constexpr std::int32_t smallest_exponent = -1000;
constexpr std::int32_t largest_exponent = 1023;
constexpr Index most_partials = Index{1} << 30;
// Exponent of the last bit of a denormal double.
constexpr int last_bit_exponent = -1074;

// 2^exponent for -1022 <= exponent <= 1023.
double power_of_two(int exponent) {
    return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52);
}

// The nearest integer, ties to even, of a value of at most 2^51; without a call where the portable
// baseline has no instruction for it.
double nearest_integer(double value) {
    constexpr double shift = 0x1.8p52;
    return (value + shift) - shift;
}

// value * 2^exponent in two factors, for the exponent may be beyond a double's. Where a product is
// denormal it is not exact, but then the result lies below 2^-1022 and both its limbs are 0 anyway.
double scaled(double value, int exponent) {
    const int half = exponent / 2;
    return value * power_of_two(half) * power_of_two(exponent - half);
}

void require_exponent_in_range(std::int32_t exponent) {
    if (exponent < smallest_exponent || exponent > largest_exponent) {
        throw Error(ExitCode::internal,
                    fmt::format("internal error: an exact sum got the exponent {}; the range is "
                                "{} to {}",
                                exponent, smallest_exponent, largest_exponent));
    }
}

// total / 2^bits to the nearest integer, ties to even.
Int128 shifted_right(Int128 total, int bits) {
    const Int128 unit = Int128{1} << bits;
    const Int128 floor = total >> bits;
    const Int128 twice_rest = 2 * (total - floor * unit);
    const bool rounds_up = twice_rest > unit || (twice_rest == unit && (floor & 1) != 0);
    return rounds_up ? floor + 1 : floor;
}

// total * 2^exponent, rounded once.
double rounded(Int128 total, int exponent) {
    // The conversion to double rounds to 53 bits, which is too fine where the result is denormal:
    // it would round a second time. Such a total is rounded at the last bit of a denormal instead.
    const int beyond_last_bit = last_bit_exponent - exponent;
    if (beyond_last_bit > 0) {
        const Int128 first_normal = Int128{1} << (52 + beyond_last_bit);
        if (-first_normal < total && total < first_normal) {
            const Int128 last_bits = shifted_right(total, beyond_last_bit);
            return std::ldexp(static_cast<double>(last_bits), last_bit_exponent);
        }
    }
    return std::ldexp(static_cast<double>(total), exponent);
}

}  // namespace

ExactSums::ExactSums(std::vector<std::int32_t> exponents, Index partials)
    : exponents_(std::move(exponents)), limbs_(2 * exponents_.size(), 0), width_(0) {
    if (partials < 1) {
        throw Error(ExitCode::internal,
                    fmt::format("internal error: an exact sum of {} partials", partials));
    }
    if (partials > most_partials) {
        throw Error(ExitCode::input_data,
                    fmt::format("the data set has {} blocks of rows; exact sums have room for {} "
                                "(2^30) of them: split the data set",
                                partials, most_partials));
    }
    std::ranges::for_each(exponents_, require_exponent_in_range);
    const auto bits_of_count =
        static_cast<int>(std::bit_width(static_cast<std::uint64_t>(partials - 1)));
    width_ = std::min(50, 62 - bits_of_count);
}

bool ExactSums::add(Index first, std::span<const double> values) {
    const auto begin = static_cast<std::size_t>(first);
    bool is_within = true;
    for (std::size_t k = 0; k < values.size(); ++k) {
        // False for a NaN as well.
        is_within &= std::fabs(values[k]) < power_of_two(exponents_[begin + k]);
    }
    if (!is_within) {
        return false;
    }
    std::int64_t* high_limbs = limbs_.data() + begin;
    std::int64_t* low_limbs = high_limbs + exponents_.size();
    const double low_unit = power_of_two(width_);
    for (std::size_t k = 0; k < values.size(); ++k) {
        const double t = scaled(values[k], width_ - exponents_[begin + k]);
        const double high = nearest_integer(t);
        const double low = nearest_integer((t - high) * low_unit);
        high_limbs[k] += static_cast<std::int64_t>(high);
        low_limbs[k] += static_cast<std::int64_t>(low);
    }
    return true;
}

void ExactSums::set_exponent(Index index, std::int32_t exponent) {
    const auto position = static_cast<std::size_t>(index);
    require_exponent_in_range(exponent);
    if (limbs_[position] != 0 || limbs_[position + exponents_.size()] != 0) {
        throw Error(ExitCode::internal,
                    "internal error: a new bound for an exact sum that is not zero");
    }
    exponents_[position] = exponent;
}

void ExactSums::clear() {
    std::ranges::fill(limbs_, 0);
}

double ExactSums::value(Index index) const {
    const auto position = static_cast<std::size_t>(index);
    const Int128 high = limbs_[position];
    const Int128 low = limbs_[position + exponents_.size()];
    return rounded((high * (Int128{1} << width_)) + low, exponents_[position] - (2 * width_));
}

std::int32_t exponent_above(double value, std::int32_t lowest) {
    if (value == 0) {
        return lowest;
    }
    int exponent = 0;
    std::frexp(value, &exponent);
    return std::max(static_cast<std::int32_t>(exponent), lowest);
}

}  // namespace paralogit::model
