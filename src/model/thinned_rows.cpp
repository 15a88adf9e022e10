#include "paralogit/model/thinned_rows.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "row_hash.hpp"

namespace paralogit::model {

Index ThinnedRows::drawn(Index neighbours) const {
    const auto count = static_cast<std::uint64_t>(std::min(thinning_, rows_ - neighbours));
    const auto place = static_cast<std::uint64_t>(first_ + neighbours);
    // The upper half of the hash as a fraction of 2^32, times the count.
    const std::uint64_t fraction = mixed((place + 1) * golden_ratio) >> 32U;
    return neighbours + static_cast<Index>((fraction * count) >> 32U);
}

void copy_rows(const Block& block, const ThinnedRows& rows, std::vector<std::byte>& values) {
    constexpr std::size_t rows_ahead = 32;
    constexpr std::size_t line_bytes = 64;
    // The rest of a long row the machine foresees.
    constexpr std::size_t most_bytes = 512;
    const std::size_t row_bytes = static_cast<std::size_t>(block.features) * size_of(block.type);
    const auto count = static_cast<std::size_t>(rows.size());
    values.resize(count * row_bytes);
    // A ring of the places ahead, for the machine does not foresee where the next row lies.
    std::array<const std::byte*, rows_ahead> ahead{};
    for (std::size_t i = 0; i < count + rows_ahead; ++i) {
        const std::byte*& place = ahead[i % rows_ahead];
        if (i >= rows_ahead) {
            std::memcpy(values.data() + (i - rows_ahead) * row_bytes, place, row_bytes);
        }
        if (i < count) {
            place =
                block.values + static_cast<std::size_t>(rows[static_cast<Index>(i)]) * row_bytes;
            for (std::size_t at = 0; at < std::min(row_bytes, most_bytes); at += line_bytes) {
                __builtin_prefetch(place + at);
            }
        }
    }
}

}  // namespace paralogit::model
