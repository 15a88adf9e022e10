#pragma once

#include <mutex>
#include <span>
#include <string>

#include "paralogit/base/buffer.hpp"
#include "paralogit/base/checked.hpp"
#include "read_together.hpp"
#include "row_source.hpp"

namespace paralogit::data {

/// One of the vectors that hold the entries of a file, as a matrix of one column.
struct EntryVector {
    Manifest manifest;
    FeatureFile file;

    Index element_bytes() const { return narrow<Index>(size_of(manifest.type)); }
};

/// Looks at the file, with the HDF5 library. Throws Error (input_data).
EntryVector find_entry_vector(const FilePart& part, const std::string& path);

/// Reads stretches of a vector, which rise, and calls `take(bytes, count)` with each in turn.
/// `library` is held while the HDF5 library works. Returns the bytes that were read. Throws Error
/// (input_data).
template <class Take>
Index read_stretches(const EntryVector& vector, std::span<const Range> stretches,
                     std::mutex& library, const Take& take) {
    const Range all{.first = stretches.front().first, .end = stretches.back().end};
    const auto source = open_rows(vector.manifest, vector.file, all, Reading::some, library);
    const Index element_bytes = vector.element_bytes();
    Buffer together;
    Index bytes_read = 0;
    while (!stretches.empty()) {
        const auto some = stretches.first(
            count_at_once(stretches, element_bytes, [](const Range& range) { return range; }));
        const Range entries{.first = some.front().first, .end = some.back().end};
        together.reserve(entries.size() * element_bytes);
        source->read(entries, together.data());
        bytes_read += entries.size() * element_bytes;
        for (const Range& range : some) {
            take(together.data() + (range.first - entries.first) * element_bytes, range.size());
        }
        stretches = stretches.subspan(some.size());
    }
    source->check_unchanged();
    return bytes_read;
}

}  // namespace paralogit::data
