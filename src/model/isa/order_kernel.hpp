#pragma once

#include <cstdint>

// Part of kernels.hpp: the rounds of a random order (see RowOrder), for many places at a time.
// Plain loops over integers, which compilers turn into vectors.

namespace paralogit::model {
namespace {

/// to = (to + part of its range by a hash of `by`) mod range, for each.
inline void change_coordinate(std::uint64_t* __restrict to, const std::uint64_t* __restrict by,
                              std::int64_t count, std::uint64_t key, std::uint64_t range) {
    for (std::int64_t i = 0; i < count; ++i) {
        std::uint64_t hash = (by[i] + key) * 0xbf58476d1ce4e5b9U;
        hash ^= hash >> 32U;
        hash *= 0x94d049bb133111ebU;
        const std::uint64_t sum = to[i] + (((hash >> 32U) * range) >> 32U);
        to[i] = sum >= range ? sum - range : sum;
    }
}

void change_places(std::uint64_t* l, std::uint64_t* r, std::int64_t count,
                   const std::uint64_t* keys, std::uint64_t tall, std::uint64_t wide) {
    constexpr int rounds = 6;
    for (int i = 0; i < rounds; i += 2) {
        change_coordinate(l, r, count, keys[i], tall);
        change_coordinate(r, l, count, keys[i + 1], wide);
    }
}

}  // namespace
}  // namespace paralogit::model
