#include "sparse_stream.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "paralogit/base/checked.hpp"
#include "rows_in_file.hpp"

namespace paralogit::data {

namespace {

constexpr Index index_bytes = sizeof(std::uint32_t);

Values renumbered(const Values& indices, const std::vector<std::uint32_t>& new_index) {
    Buffer buffer(indices.size());
    for (Index at = 0; at < indices.size(); at += index_bytes) {
        std::uint32_t index = 0;
        std::memcpy(&index, indices.data() + at, index_bytes);
        std::memcpy(buffer.data() + at, &new_index[index], index_bytes);
    }
    return Values(std::move(buffer));
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
    if (!new_index_.empty()) {
        part.sparse.indices = renumbered(part.sparse.indices, new_index_);
    }
    bytes_read_ += bytes_of(blocks);
    return part;
}

void renumber_streamed(Shard& shard, std::vector<std::uint32_t> new_index) {
    shard.sparse_stream->renumber(std::move(new_index));
}

void SparseStream::check_unchanged() const {
    for (const FilePart& file : manifest_.files) {
        if (rows_in_file(file, rows()).size() > 0) {
            data::check_unchanged(file);
        }
    }
}

}  // namespace paralogit::data
