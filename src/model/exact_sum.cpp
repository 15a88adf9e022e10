#include "paralogit/model/exact_sum.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <iterator>

#include "isa/kernel_table.hpp"
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

ExactSums::ExactSums(std::vector<std::int32_t> exponents, Index partials, Isa isa)
    : exponents_(std::move(exponents)),
      scale_(exponents_.size()),
      scale_rest_(exponents_.size()),
      limbs_(2 * exponents_.size(), 0),
      width_(exact_sum_width(partials)),
      isa_(isa) {
    std::ranges::for_each(exponents_, require_exponent_in_range);
    for (std::size_t k = 0; k < exponents_.size(); ++k) {
        set_scale(k);
    }
}

void ExactSums::set_scale(std::size_t position) {
    // Where a product with the first factor is denormal it is not exact, but then the value lies so
    // far below the bound that both its limbs are 0 anyway.
    const int exponent = width_ - exponents_[position];
    const int half = exponent / 2;
    scale_[position] = power_of_two(half);
    scale_rest_[position] = power_of_two(exponent - half);
}

bool ExactSums::add(Index first, std::span<const double> values) {
    const auto begin = static_cast<std::size_t>(first);
    return kernels_for(isa_).add_limbs(
        values.data(), scale_.data() + begin, scale_rest_.data() + begin, power_of_two(width_),
        std::ssize(values), limbs_.data() + begin, limbs_.data() + exponents_.size() + begin);
}

void ExactSums::set_exponent(Index index, std::int32_t exponent) {
    const auto position = static_cast<std::size_t>(index);
    require_exponent_in_range(exponent);
    if (limbs_[position] != 0 || limbs_[position + exponents_.size()] != 0) {
        throw Error(ExitCode::internal,
                    "internal error: a new bound for an exact sum that is not zero");
    }
    exponents_[position] = exponent;
    set_scale(position);
}

void ExactSums::clear() {
    std::ranges::fill(limbs_, 0);
}

void ExactSums::add(const ExactSums& other) {
    if (other.exponents_ != exponents_ || other.width_ != width_) {
        throw Error(ExitCode::internal,
                    "internal error: exact sums with other bounds were to be added up");
    }
    std::ranges::transform(limbs_, other.limbs_, limbs_.begin(), std::plus<>());
}

double ExactSums::value(Index index) const {
    const auto position = static_cast<std::size_t>(index);
    return exact_sum_value(limbs_[position], limbs_[position + exponents_.size()], width_,
                           exponents_[position]);
}

int exact_sum_width(Index partials) {
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
    const auto bits_of_count =
        static_cast<int>(std::bit_width(static_cast<std::uint64_t>(partials - 1)));
    return std::min(50, 62 - bits_of_count);
}

double exact_sum_value(std::int64_t high, std::int64_t low, int width, std::int32_t exponent) {
    // Mostly both limbs are exact as doubles, and so is all but their sum.
    constexpr std::int64_t exact = std::int64_t{1} << 53;
    constexpr int least_normal = -1022;
    const int unit = exponent - (2 * width);
    if (-exact < high && high < exact && -exact < low && low < exact && unit >= least_normal) {
        return (static_cast<double>(high) * power_of_two(width) + static_cast<double>(low)) *
               power_of_two(unit);
    }
    const Int128 total = (Int128{high} * (Int128{1} << width)) + Int128{low};
    return rounded(total, unit);
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
