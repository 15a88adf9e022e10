#include "paralogit/data/fetch_rows.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "feature_stream.hpp"
#include "paralogit/base/checked.hpp"
#include "rows_in_file.hpp"

namespace paralogit::data {

namespace {

/// What lies between two rows is read and dropped when it is no more than this.
constexpr Index most_gap_bytes = Index{8} << 10;
constexpr Index most_bytes_at_once = Index{1} << 20;

/// How many of the rows, which lie in one file, are read at once.
std::size_t count_at_once(std::span<const WantedRow> wanted, Index row_bytes) {
    std::size_t count = 1;
    while (count < wanted.size()) {
        const Index gap = wanted[count].row - wanted[count - 1].row - 1;
        const Index all = wanted[count].row - wanted.front().row + 1;
        if (gap * row_bytes > most_gap_bytes || all * row_bytes > most_bytes_at_once) {
            break;
        }
        ++count;
    }
    return count;
}

}  // namespace

void FeatureStream::fetch(std::span<const WantedRow> wanted, std::byte* out) {
    const Index row_bytes = manifest_.features * narrow<Index>(size_of(manifest_.type));
    Buffer together;
    for (const FeatureFile& file : files_) {
        const auto ends_before = [&](const WantedRow& row) {
            return row.row < file.part.first_row + file.part.rows;
        };
        const auto in_file = static_cast<std::size_t>(
            std::partition_point(wanted.begin(), wanted.end(), ends_before) - wanted.begin());
        if (in_file == 0) {
            continue;
        }
        const auto source =
            open_rows(manifest_, file, rows_in_file(file.part, rows_), Reading::some, library_);
        for (std::size_t begin = 0; begin < in_file;) {
            const auto rest = wanted.subspan(begin, in_file - begin);
            const auto some = rest.first(count_at_once(rest, row_bytes));
            const Range rows{.first = some.front().row - file.part.first_row,
                             .end = some.back().row - file.part.first_row + 1};
            together.reserve(rows.size() * row_bytes);
            source->read(rows, together.data());
            bytes_read_ += rows.size() * row_bytes;
            for (const WantedRow& row : some) {
                std::memcpy(out + row.slot * row_bytes,
                            together.data() + (row.row - some.front().row) * row_bytes,
                            narrow<std::size_t>(row_bytes));
            }
            begin += some.size();
        }
        source->check_unchanged();
        wanted = wanted.subspan(in_file);
    }
}

void fetch_rows(const Shard& shard, std::span<const WantedRow> wanted, std::byte* out) {
    if (!wanted.empty()) {
        shard.stream->fetch(wanted, out);
    }
}

}  // namespace paralogit::data
