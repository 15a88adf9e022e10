#include <cstring>
#include <optional>
#include <vector>

#include "entry_vector.hpp"
#include "index_check.hpp"
#include "narrow_indices.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/data/fetch_rows.hpp"
#include "paralogit/data/source_file.hpp"
#include "paralogit/h5/file.hpp"
#include "rows_in_file.hpp"
#include "sparse_layout.hpp"
#include "sparse_offsets.hpp"
#include "sparse_stream.hpp"

namespace paralogit::data {

const SparseStream::EntryVectors& SparseStream::entry_vectors(std::size_t file) {
    entry_vectors_.resize(manifest_.files.size());
    std::optional<EntryVectors>& found = entry_vectors_[file];
    if (!found) {
        const std::lock_guard lock(library_);
        const FilePart& part = manifest_.files[file];
        found = {.values = find_entry_vector(part, path_of_values(part.features_path)),
                 .indices = find_entry_vector(part, path_of_indices(part.features_path))};
        if (found->values.manifest.type != manifest_.type) {
            fail_changed(part, part.features_path + " has another type");
        }
    }
    return *found;
}

std::vector<Index> SparseStream::row_offsets() {
    const Range all = rows();
    std::vector<Index> offsets(narrow<std::size_t>(all.size() + 1));
    Index before = 0;  // entries of the shard in earlier files
    for (const FilePart& part : manifest_.files) {
        const Range in_file = rows_in_file(part, all);
        if (in_file.size() <= 0) {
            continue;
        }
        data::check_unchanged(part);
        const std::span<Index> own = std::span(offsets).subspan(
            narrow<std::size_t>(part.first_row + in_file.first - all.first),
            narrow<std::size_t>(in_file.size() + 1));
        tell_change_first(part, [&] {
            const std::lock_guard lock(library_);
            const h5::File file = h5::File::open(part.path);
            read_offsets(file.dataset(path_of_offsets(part.features_path)), in_file.first, own);
        });
        if (const std::optional<Error> error = find_bad_offset(part, in_file.first, own)) {
            throw Error(*error);
        }
        const Index shift = before - own.front();
        for (Index& offset : own) {
            offset += shift;
        }
        before = own.back();
    }
    return offsets;
}

void SparseStream::fetch_of_file(std::size_t file, std::span<const Range> entries,
                                 std::span<const Index> offsets, std::byte* values,
                                 std::byte* indices) {
    const EntryVectors& vectors = entry_vectors(file);
    const FilePart& part = manifest_.files[file];
    const auto value_bytes = narrow<Index>(size_of(manifest_.type));
    bytes_read_ +=
        read_stretches(vectors.values, entries, library_, [&](const std::byte* from, Index count) {
            std::memcpy(values, from, narrow<std::size_t>(count * value_bytes));
            values += count * value_bytes;
        });
    const auto limit = static_cast<std::uint64_t>(manifest_.features);
    with_integer_type(vectors.indices.manifest.type, [&](auto zero) {
        using Integer = decltype(zero);
        std::byte* to = indices;
        bytes_read_ += read_stretches(vectors.indices, entries, library_,
                                      [&](const std::byte* from, Index count) {
                                          narrow_integers<Integer>(from, count, limit, to);
                                          to += count * narrowed_index_bytes;
                                      });
    });
    // Known to be right since the rows were loaded, but nothing may be added where no sum is.
    if (!are_rising_below(indices, offsets, narrow<std::uint32_t>(manifest_.features))) {
        fail_changed(part, path_of_indices(part.features_path) + " gives other values than before");
    }
    if (!numbers_.new_index.empty()) {
        for (Index at = 0; at < offsets.back(); ++at) {
            std::byte* const place = indices + at * narrowed_index_bytes;
            std::memcpy(place, &numbers_.new_index[load_as<std::uint32_t>(place)],
                        sizeof(std::uint32_t));
        }
    }
}

void SparseStream::fetch(std::span<const Index> offsets, std::span<const Index> wanted,
                         std::byte* values, std::byte* indices) {
    const Range all = rows();
    const Index first_entry = manifest_.entries_before_block.at(narrow<std::size_t>(blocks_.first));
    const auto value_bytes = narrow<Index>(size_of(manifest_.type));
    std::vector<Range> entries;
    std::vector<Index> of_rows;
    for (std::size_t file = 0; !wanted.empty(); ++file) {
        const FilePart& part = manifest_.files.at(file);
        entries.clear();
        of_rows.assign(1, 0);
        const Index shift = first_entry - part.first_entry;
        while (!wanted.empty() && wanted.front() < part.first_row + part.rows) {
            const auto row = narrow<std::size_t>(wanted.front() - all.first);
            const Range own{.first = offsets[row] + shift, .end = offsets[row + 1] + shift};
            if (own.size() > 0) {
                entries.push_back(own);
                of_rows.push_back(of_rows.back() + own.size());
            }
            wanted = wanted.subspan(1);
        }
        if (!entries.empty()) {
            tell_change_first(part,
                              [&] { fetch_of_file(file, entries, of_rows, values, indices); });
            values += of_rows.back() * value_bytes;
            indices += of_rows.back() * narrowed_index_bytes;
        }
    }
}

std::vector<Index> read_row_offsets(const Shard& shard) {
    return shard.sparse_stream->row_offsets();
}

void fetch_sparse_rows(const Shard& shard, std::span<const Index> offsets,
                       std::span<const Index> rows, std::byte* values, std::byte* indices) {
    shard.sparse_stream->fetch(offsets, rows, values, indices);
}

}  // namespace paralogit::data
