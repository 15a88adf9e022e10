#include "paralogit/data/import/exact_total.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace paralogit::data {

namespace {

constexpr int digit_bits = 32;
constexpr std::int64_t digit_mask = 0xFFFF'FFFF;
/// What the lowest bit of the lowest digit is worth: 2^-1074, as that of the smallest double.
constexpr int lowest_power = -1074;

}  // namespace

void ExactTotal::add(double value) {
    constexpr int mantissa_bits = 52;
    constexpr std::uint64_t mantissa_mask = (std::uint64_t{1} << mantissa_bits) - 1;
    constexpr std::uint64_t exponent_mask = 0x7FF;
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const std::uint64_t exponent = bits >> mantissa_bits & exponent_mask;
    const std::uint64_t mantissa = (bits & mantissa_mask) | std::uint64_t{exponent != 0}
                                                                << mantissa_bits;
    const std::uint64_t position = exponent == 0 ? 0 : exponent - 1;
    const std::size_t digit = position / digit_bits;
    const auto shift = static_cast<unsigned>(position % digit_bits);
    const std::uint64_t low = mantissa << shift;
    const std::uint64_t high = shift == 0 ? 0 : mantissa >> (64 - shift);
    const std::int64_t sign = std::signbit(value) ? -1 : 1;
    digits_[digit] += sign * static_cast<std::int64_t>(low & digit_mask);
    digits_[digit + 1] += sign * static_cast<std::int64_t>(low >> digit_bits);
    digits_[digit + 2] += sign * static_cast<std::int64_t>(high);
    constexpr std::int64_t most_additions = std::int64_t{1} << 30;
    if (++additions_ == most_additions) {
        carry();
    }
}

void ExactTotal::carry() {
    for (std::size_t i = 0; i + 1 < digits; ++i) {
        // The shift of a negative number rounds down, so that what stays is never negative.
        const std::int64_t carried = digits_[i] >> digit_bits;
        digits_[i] -= carried * (digit_mask + 1);
        digits_[i + 1] += carried;
    }
    additions_ = 0;
}

std::span<const std::int64_t, ExactTotal::digits> ExactTotal::as_digits() {
    carry();
    return digits_;
}

ExactTotal ExactTotal::from_digits(std::span<const std::int64_t, digits> values) {
    ExactTotal total;
    std::copy(values.begin(), values.end(), total.digits_.begin());
    total.carry();
    return total;
}

double ExactTotal::rounded() {
    carry();
    ExactTotal magnitude = *this;
    const bool is_negative = digits_.back() < 0;
    if (is_negative) {
        for (std::int64_t& digit : magnitude.digits_) {
            digit = -digit;
        }
        magnitude.carry();
    }
    std::size_t top = digits - 1;
    while (top > 2 && magnitude.digits_[top] == 0) {
        --top;
    }
    const auto digit = [&](std::size_t i) {
        return static_cast<std::uint64_t>(magnitude.digits_[i]);
    };
    // 64 bits from the first that is set on, the last of which says whether any follows.
    std::uint64_t leading = digit(top) << digit_bits | digit(top - 1);
    const int shift = std::min(std::countl_zero(leading), digit_bits);
    const std::uint64_t next = digit(top - 2) << digit_bits;
    if (shift > 0) {
        leading = leading << shift | next >> (64 - shift);
    }
    bool has_more = (next << shift) != 0;
    for (std::size_t i = 0; i + 2 < top; ++i) {
        has_more = has_more || magnitude.digits_[i] != 0;
    }
    leading |= static_cast<std::uint64_t>(has_more);
    const int power = lowest_power + digit_bits * static_cast<int>(top - 1) - shift;
    const double result = std::ldexp(static_cast<double>(leading), power);
    return is_negative ? -result : result;
}

}  // namespace paralogit::data
