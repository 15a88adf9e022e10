#pragma once

#include <cstdint>
#include <span>

#include "paralogit/base/types.hpp"

namespace paralogit::data {

/// Why the indices of a row are not those of a sparse row, at the first place where they are not.
struct BadIndex {
    enum class Kind { too_large, repeated, falling };
    Kind kind;
    Index row;    ///< counted as in the call
    Index entry;  ///< counted as the offsets are
};

/// Whether all indices of some rows rise strictly and lie below `limit`. Row i has the entries
/// [offsets[i], offsets[i + 1]) of `indices`, 32 bits each and of any alignment.
bool are_rising_below(const std::byte* indices, std::span<const Index> offsets,
                      std::uint32_t limit);

/// The first index that is wrong; one must be.
BadIndex find_bad_index(const std::byte* indices, std::span<const Index> offsets,
                        std::uint32_t limit);

}  // namespace paralogit::data
