#pragma once

#include <fast_float/fast_float.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace paralogit::data {

inline bool is_digit(char c) {
    return static_cast<unsigned char>(c - '0') < 10;
}

/// 10^0 ... 10^22: the powers of ten that are doubles.
inline constexpr double exact_powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/// Reads a decimal number, sign, fraction and exponent included, as the nearest double: what
/// strtod and Python's float make of the same characters. Returns where it ends, or nullptr when
/// there is none at `p`. The characters end in one that no number has. Beyond the range of doubles
/// the value is infinite, or zero.
///
/// A product or quotient of two exact doubles is rounded once, hence correctly (W. D. Clinger, How
/// to read floating point numbers accurately, 1990); the rest is fast_float's (D. Lemire, Number
/// parsing at a gigabyte per second, 2021).
inline const char* read_decimal(const char* p, double& value) {
    const bool is_negative = *p == '-';
    p += static_cast<int>(is_negative || *p == '+');
    const char* const begin = p;
    std::uint64_t digits = 0;
    while (is_digit(*p)) {
        digits = digits * 10 + static_cast<std::uint64_t>(*p++ - '0');
    }
    std::int64_t count = p - begin;
    std::int64_t exponent = 0;
    if (*p == '.') {
        const char* const fraction = ++p;
        while (is_digit(*p)) {
            digits = digits * 10 + static_cast<std::uint64_t>(*p++ - '0');
        }
        exponent = fraction - p;
        count -= exponent;
    }
    if (count == 0) {
        return nullptr;
    }
    if (*p == 'e' || *p == 'E') {
        ++p;
        const bool is_down = *p == '-';
        p += static_cast<int>(is_down || *p == '+');
        if (!is_digit(*p)) {
            return nullptr;
        }
        std::int64_t power = 0;
        for (; is_digit(*p); ++p) {
            // Enough to be beyond every double, too little to overflow.
            power = power < 100'000 ? power * 10 + (*p - '0') : power;
        }
        exponent += is_down ? -power : power;
    }
    constexpr std::int64_t most_digits = 19;  // fewer than 10^19 < 2^64
    constexpr std::int64_t most_power = 22;
    constexpr std::uint64_t exact_integers = std::uint64_t{1} << 53;
    if (count <= most_digits && digits <= exact_integers && exponent >= -most_power &&
        exponent <= most_power) {
        const auto integer = static_cast<double>(static_cast<std::int64_t>(digits));
        const double magnitude = exponent < 0 ? integer / exact_powers_of_ten[-exponent]
                                              : integer * exact_powers_of_ten[exponent];
        value = is_negative ? -magnitude : magnitude;
        return p;
    }
    double magnitude = 0;
    if (fast_float::from_chars(begin, p, magnitude).ptr != p) {
        return nullptr;
    }
    value = is_negative ? -magnitude : magnitude;
    return p;
}

/// From here on not every integer is a double.
inline constexpr double first_gap = 0x1p53;

/// Whether the characters are an integer, sign included, that is not the finite value that was read
/// of them. For values from first_gap on.
bool is_other_integer(std::string_view text, double value);

}  // namespace paralogit::data
