#pragma once

#include <algorithm>

#include "paralogit/data/manifest.hpp"
#include "paralogit/data/shard_plan.hpp"

namespace paralogit::data {

/// The part of a range of global rows that lies in a file, counted within the file; may be empty.
inline Range rows_in_file(const FilePart& part, Range rows) {
    const Index first = std::clamp<Index>(rows.first - part.first_row, 0, part.rows);
    const Index end = std::clamp<Index>(rows.end - part.first_row, 0, part.rows);
    return {.first = first, .end = end};
}

}  // namespace paralogit::data
