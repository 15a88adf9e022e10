#include "paralogit/data/fetch_rows.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "feature_stream.hpp"
#include "paralogit/base/checked.hpp"
#include "read_together.hpp"
#include "rows_in_file.hpp"

namespace paralogit::data {

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
            const auto some = rest.first(count_at_once(rest, row_bytes, [](const WantedRow& row) {
                return Range{.first = row.row, .end = row.row + 1};
            }));
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
