#include "index_check.hpp"

#include "integers.hpp"

namespace paralogit::data {

namespace {

std::uint32_t index_at(const std::byte* indices, Index entry) {
    return load_as<std::uint32_t>(indices + entry * static_cast<Index>(sizeof(std::uint32_t)));
}

}  // namespace

bool are_rising_below(const std::byte* indices, std::span<const Index> offsets,
                      std::uint32_t limit) {
    const Index first = offsets.front();
    const Index end = offsets.back();
    if (first == end) {
        return true;
    }
    // One loop over all entries that does not know where rows begin, for it can be vectorised;
    // counted in 32 bits, which is as many as it looks at in one go.
    constexpr Index entries_at_once = Index{1} << 30;
    std::uint32_t is_too_large = static_cast<std::uint32_t>(index_at(indices, first) >= limit);
    Index falls = 0;
    for (Index from = first + 1; from < end; from += entries_at_once) {
        const Index to = std::min(from + entries_at_once, end);
        std::uint32_t some_falls = 0;
        for (Index entry = from; entry < to; ++entry) {
            const std::uint32_t index = index_at(indices, entry);
            some_falls += static_cast<std::uint32_t>(index <= index_at(indices, entry - 1));
            is_too_large |= static_cast<std::uint32_t>(index >= limit);
        }
        falls += some_falls;
    }
    // From the end of one row to the begin of the next the index may fall.
    for (std::size_t row = 1; row + 1 < offsets.size(); ++row) {
        const Index begin = offsets[row];
        if (begin > first && begin < end && begin != offsets[row + 1]) {
            falls -= static_cast<Index>(index_at(indices, begin) <= index_at(indices, begin - 1));
        }
    }
    return falls == 0 && is_too_large == 0;
}

BadIndex find_bad_index(const std::byte* indices, std::span<const Index> offsets,
                        std::uint32_t limit) {
    for (std::size_t row = 0; row + 1 < offsets.size(); ++row) {
        for (Index entry = offsets[row]; entry < offsets[row + 1]; ++entry) {
            const std::uint32_t index = index_at(indices, entry);
            const auto bad = [&](BadIndex::Kind kind) {
                return BadIndex{.kind = kind, .row = narrow<Index>(row), .entry = entry};
            };
            if (index >= limit) {
                return bad(BadIndex::Kind::too_large);
            }
            if (entry > offsets[row] && index <= index_at(indices, entry - 1)) {
                return bad(index == index_at(indices, entry - 1) ? BadIndex::Kind::repeated
                                                                 : BadIndex::Kind::falling);
            }
        }
    }
    throw Error(ExitCode::internal, "internal error: a sparse row was wrong and is not");
}

}  // namespace paralogit::data
