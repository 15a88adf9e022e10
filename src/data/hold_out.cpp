#include "paralogit/data/hold_out.hpp"

#include <cmath>
#include <utility>

#include "paralogit/base/checked.hpp"
#include "random.hpp"

namespace paralogit::data {

namespace {

/// Sets these numbers apart from those that a synthetic data set of the same seed is made of.
constexpr std::uint32_t stream = 0x686f6c64U;

std::uint32_t low_word(std::uint64_t x) {
    return static_cast<std::uint32_t>(x);
}

std::uint32_t high_word(std::uint64_t x) {
    return static_cast<std::uint32_t>(x >> 32U);
}

std::uint64_t hash_of(Index row, std::uint64_t seed) {
    const auto wide_row = static_cast<std::uint64_t>(row);
    const auto bits = philox({low_word(wide_row), high_word(wide_row), 0, stream},
                             {low_word(seed), high_word(seed)});
    return (std::uint64_t{bits[1]} << 32U) | bits[0];
}

}  // namespace

std::vector<Index> held_out_rows(const HoldOut& hold_out, Range rows, int threads) {
    constexpr int hash_bits = 64;
    const auto bound = static_cast<std::uint64_t>(std::ldexp(hold_out.fraction, hash_bits));
    std::vector<std::vector<Index>> parts(narrow<std::size_t>(threads));
    run_threads(threads, [&](int thread) {
        const Range part = part_of(rows, thread, threads);
        std::vector<Index> held_out;
        for (Index row = part.first; row < part.end; ++row) {
            if (hash_of(row, hold_out.seed) < bound) {
                held_out.push_back(row);
            }
        }
        parts[narrow<std::size_t>(thread)] = std::move(held_out);
    });
    std::vector<Index> all = std::move(parts.front());
    for (std::size_t t = 1; t < parts.size(); ++t) {
        all.insert(all.end(), parts[t].begin(), parts[t].end());
    }
    return all;
}

}  // namespace paralogit::data
