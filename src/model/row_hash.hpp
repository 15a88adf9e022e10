#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace paralogit::model {

constexpr std::uint64_t golden_ratio = 0x9e3779b97f4a7c15U;  ///< of 2^64, odd

/// The finaliser of Steele, Lea and Flood (2014), SplitMix64.
inline std::uint64_t mixed(std::uint64_t hash) {
    hash = (hash ^ (hash >> 30U)) * 0xbf58476d1ce4e5b9U;
    hash = (hash ^ (hash >> 27U)) * 0x94d049bb133111ebU;
    return hash ^ (hash >> 31U);
}

/// The bits of a number as they enter a hash: one pattern for all that is not finite.
inline std::uint64_t bits_of(double value) {
    return std::isfinite(value) ? std::bit_cast<std::uint64_t>(value + 0.0) : 0x7ff8000000000000U;
}

/// Of a row at a place of the data set with its weight and label, and a hash or the bits of its
/// features. The halves of the label's bits change places: those of plain labels and plain weights,
/// which all begin their words, then do not meet.
inline std::uint64_t row_hash(std::uint64_t place, std::uint64_t features, double weight,
                              double label) {
    return mixed(mixed(place * golden_ratio ^ features) ^ bits_of(weight) ^
                 std::rotl(bits_of(label), 32));
}

/// sum_i value(i) by eight lanes.
template <typename Value>
double spread_sum(std::size_t count, Value&& value) {
    constexpr std::size_t lanes = 8;
    double lane[lanes] = {};
    for (std::size_t i = 0; i < count; ++i) {
        lane[i % lanes] += value(i);
    }
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

}  // namespace paralogit::model
