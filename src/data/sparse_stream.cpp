#include "sparse_stream.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "paralogit/base/checked.hpp"
#include "paralogit/base/threads.hpp"
#include "rows_in_file.hpp"

namespace paralogit::data {

namespace {

constexpr Index index_bytes = sizeof(std::uint32_t);

std::uint32_t index_at(const std::byte* indices, Index entry) {
    std::uint32_t index = 0;
    std::memcpy(&index, indices + entry * index_bytes, sizeof index);
    return index;
}

/// Calls put(entry, place, number) for the entries of all rows, those of lone features behind the
/// others of their row.
template <typename Put>
void for_each_place(SparseValues& sparse, const Renumbering& numbers, int threads, const Put& put) {
    const Index rows = std::ssize(sparse.offsets) - 1;
    sparse.shared_bounds.resize(static_cast<std::size_t>(2 * rows));
    run_threads(threads, [&](int thread) {
        const Range part = part_of({.first = 0, .end = rows}, thread, threads);
        std::vector<Index> lone;
        for (auto i = static_cast<std::size_t>(part.first); i < static_cast<std::size_t>(part.end);
             ++i) {
            lone.clear();
            Index place = sparse.offsets[i];
            for (Index k = sparse.offsets[i]; k < sparse.offsets[i + 1]; ++k) {
                const std::uint32_t number = numbers.new_index[index_at(sparse.indices.data(), k)];
                if (Index{number} < numbers.first_lone) {
                    put(k, place++, number);
                } else {
                    lone.push_back(k);
                }
            }
            sparse.shared_bounds[2 * i] = sparse.offsets[i];
            sparse.shared_bounds[2 * i + 1] = place;
            for (const Index k : lone) {
                put(k, place++, numbers.new_index[index_at(sparse.indices.data(), k)]);
            }
        }
    });
}

template <typename Value>
Buffer moved_values(SparseValues& sparse, const Renumbering& numbers, int threads) {
    constexpr auto bytes = static_cast<Index>(sizeof(Value));
    Buffer values(sparse.values.size());
    for_each_place(sparse, numbers, threads, [&](Index entry, Index place, std::uint32_t) {
        std::memcpy(values.data() + place * bytes, sparse.values.data() + entry * bytes, bytes);
    });
    return values;
}

/// By what a value is as large as.
Buffer moved_values(SparseValues& sparse, ElementType type, const Renumbering& numbers,
                    int threads) {
    switch (size_of(type)) {
        case 1:
            return moved_values<std::uint8_t>(sparse, numbers, threads);
        case 2:
            return moved_values<std::uint16_t>(sparse, numbers, threads);
        case 4:
            return moved_values<std::uint32_t>(sparse, numbers, threads);
        default:
            return moved_values<std::uint64_t>(sparse, numbers, threads);
    }
}

void renumber_entries(SparseValues& sparse, ElementType type, const Renumbering& numbers,
                      int threads) {
    if (numbers.has_lone) {
        Buffer values = moved_values(sparse, type, numbers, threads);
        sparse.values.check_unchanged();
        sparse.values = Values(std::move(values));
    }
    Buffer indices(sparse.indices.size());
    const auto put = [&](Index place, std::uint32_t number) {
        std::memcpy(indices.data() + place * index_bytes, &number, sizeof number);
    };
    if (numbers.has_lone) {
        for_each_place(sparse, numbers, threads,
                       [&](Index, Index place, std::uint32_t number) { put(place, number); });
    } else {
        const Index entries = sparse.indices.size() / index_bytes;
        run_threads(threads, [&](int thread) {
            const Range part = part_of({.first = 0, .end = entries}, thread, threads);
            for (Index k = part.first; k < part.end; ++k) {
                put(k, numbers.new_index[index_at(sparse.indices.data(), k)]);
            }
        });
    }
    sparse.indices.check_unchanged();
    sparse.indices = Values(std::move(indices));
}

}  // namespace

Index sparse_bytes(const Manifest& manifest, const ShardPlan& plan, Range blocks) {
    if (blocks.size() <= 0) {
        return 0;
    }
    const auto entries_before = [&](Index block) {
        return manifest.entries_before_block.at(narrow<std::size_t>(block));
    };
    const Index entry_bytes = narrow<Index>(size_of(manifest.type)) + index_bytes;
    const Index entries = entries_before(blocks.end) - entries_before(blocks.first);
    const Index rows =
        plan.rows_of_block(blocks.end - 1).end - plan.rows_of_block(blocks.first).first;
    return checked_multiply(entries, entry_bytes, "the bytes of a shard") +
           rows * narrow<Index>(sizeof(Index));
}

SparseStream::SparseStream(const Manifest& manifest, const ShardPlan& plan, Range blocks,
                           Index part_bytes, Index reading_bytes, int threads)
    : manifest_(manifest),
      plan_(plan),
      blocks_(blocks),
      part_bytes_(part_bytes),
      reading_bytes_(reading_bytes),
      threads_(threads) {}

Index SparseStream::bytes_of(Range blocks) const {
    return sparse_bytes(manifest_, plan_, blocks);
}

Range SparseStream::rows() const {
    return blocks_.size() <= 0 ? Range{}
                               : Range{.first = plan_.rows_of_block(blocks_.first).first,
                                       .end = plan_.rows_of_block(blocks_.end - 1).end};
}

Index SparseStream::memory_bytes() const {
    return threads_ * (2 * part_bytes_ + reading_bytes_);
}

Range SparseStream::next_of(Range blocks) const {
    Range some{.first = blocks.first, .end = std::min(blocks.first + 1, blocks.end)};
    while (some.end < blocks.end &&
           bytes_of({.first = some.first, .end = some.end + 1}) <= part_bytes_) {
        ++some.end;
    }
    return some;
}

Shard SparseStream::read(Range blocks) {
    Shard part;
    part.type = manifest_.type;
    part.features = manifest_.features;
    part.blocks = blocks;
    part.rows = {.first = plan_.rows_of_block(blocks.first).first,
                 .end = plan_.rows_of_block(blocks.end - 1).end};
    read_sparse_features(manifest_, plan_, part, library_);
    // What was written to while it was read may have given rows of no data set at all.
    for (const FilePart& file : manifest_.files) {
        if (rows_in_file(file, part.rows).size() > 0) {
            data::check_unchanged(file);
        }
    }
    if (!numbers_.new_index.empty()) {
        renumber_entries(part.sparse, part.type, numbers_, 1);
    }
    bytes_read_ += bytes_of(blocks);
    return part;
}

void renumber(Shard& shard, Renumbering numbers, int threads) {
    if (shard.sparse_stream != nullptr) {
        shard.sparse_stream->renumber(std::move(numbers));
    } else {
        renumber_entries(shard.sparse, shard.type, numbers, threads);
    }
}

void SparseStream::check_unchanged() const {
    for (const FilePart& file : manifest_.files) {
        if (rows_in_file(file, rows()).size() > 0) {
            data::check_unchanged(file);
        }
    }
}

}  // namespace paralogit::data
