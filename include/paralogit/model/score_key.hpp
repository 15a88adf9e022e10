#pragma once

#include <bit>
#include <cstdint>

namespace paralogit::model {

/// A row of some weight under its score.
struct WeightedKey {
    std::uint64_t key;
    double weight;
};

inline std::uint64_t key_of(std::uint64_t key) {
    return key;
}
inline std::uint64_t key_of(const WeightedKey& row) {
    return row.key;
}

/// Scores as integers of the same order: x < y exactly where score_key(x) < score_key(y), and 0.0
/// and -0.0 have the same key. The infinities are the ends; a NaN has no place among them. No key
/// is 0.
inline std::uint64_t score_key(double score) {
    constexpr std::uint64_t sign = std::uint64_t{1} << 63;
    const auto bits = std::bit_cast<std::uint64_t>(score + 0.0);
    return (bits & sign) != 0 ? ~bits : bits | sign;
}

/// The score that has the key.
inline double score_of_key(std::uint64_t key) {
    constexpr std::uint64_t sign = std::uint64_t{1} << 63;
    return std::bit_cast<double>((key & sign) != 0 ? key & ~sign : ~key);
}

}  // namespace paralogit::model
