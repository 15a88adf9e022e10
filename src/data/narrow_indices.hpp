#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>

#include "integers.hpp"

namespace paralogit::data {

inline constexpr Index narrowed_index_bytes = sizeof(std::uint32_t);

/// Stores integers as 32 bits each. Returns the position of the first that is negative or not below
/// the limit.
template <class Integer>
std::optional<Index> narrow_integers(const std::byte* from, Index count, std::uint64_t limit,
                                     std::byte* to) {
    constexpr std::uint32_t misfit = std::numeric_limits<std::uint32_t>::max();
    std::uint32_t has_misfit = 0;
    for (Index i = 0; i < count; ++i) {
        const auto value = load_as<Integer>(from + i * static_cast<Index>(sizeof(Integer)));
        // As an unsigned number a negative one is beyond every limit.
        const auto wide = static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
        const bool is_misfit = wide >= limit;
        const std::uint32_t narrowed = is_misfit ? misfit : static_cast<std::uint32_t>(wide);
        has_misfit |= static_cast<std::uint32_t>(is_misfit);
        std::memcpy(to + i * narrowed_index_bytes, &narrowed, sizeof narrowed);
    }
    for (Index i = 0; has_misfit != 0 && i < count; ++i) {
        if (load_as<std::uint32_t>(to + i * narrowed_index_bytes) == misfit) {
            return i;
        }
    }
    return std::nullopt;
}

}  // namespace paralogit::data
