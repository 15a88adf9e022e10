#pragma once

#include <cstddef>
#include <span>

#include "paralogit/base/threads.hpp"

namespace paralogit::data {

/// How many of some stretches of a file, which rise, are read at once: what lies between two of
/// them is read and dropped when it is little. `range_of` gives the elements of a stretch.
template <class Stretch, class RangeOf>
std::size_t count_at_once(std::span<const Stretch> stretches, Index element_bytes,
                          const RangeOf& range_of) {
    constexpr Index most_gap_bytes = Index{8} << 10;
    constexpr Index most_bytes_at_once = Index{1} << 20;
    std::size_t count = 1;
    while (count < stretches.size()) {
        const Range next = range_of(stretches[count]);
        const Index gap = next.first - range_of(stretches[count - 1]).end;
        const Index all = next.end - range_of(stretches.front()).first;
        if (gap * element_bytes > most_gap_bytes || all * element_bytes > most_bytes_at_once) {
            break;
        }
        ++count;
    }
    return count;
}

}  // namespace paralogit::data
