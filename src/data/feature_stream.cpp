#include "feature_stream.hpp"

#include <algorithm>
#include <utility>

#include "paralogit/base/checked.hpp"
#include "paralogit/data/source_file.hpp"
#include "rows_in_file.hpp"

namespace paralogit::data {

namespace {

Index row_bytes_of(const Manifest& manifest) {
    return manifest.features * narrow<Index>(size_of(manifest.type));
}

Range rows_of_blocks(const ShardPlan& plan, Range blocks) {
    if (blocks.size() <= 0) {
        return {};
    }
    return {.first = plan.rows_of_block(blocks.first).first,
            .end = plan.rows_of_block(blocks.end - 1).end};
}

}  // namespace

FeatureStream::FeatureStream(const Manifest& manifest, const ShardPlan& plan,
                             std::vector<FeatureFile> files, Range blocks, int threads,
                             RingSize ring)
    : manifest_(manifest),
      plan_(plan),
      files_(std::move(files)),
      blocks_(blocks),
      rows_(rows_of_blocks(plan, blocks)),
      ring_(ring),
      buffers_(narrow<std::size_t>(threads)) {
    for (std::vector<Buffer>& buffers : buffers_) {
        buffers.resize(narrow<std::size_t>(ring.slots));
    }
    std::erase_if(files_, [&](const FeatureFile& file) {
        return rows_in_file(file.part, rows_).size() <= 0;
    });
}

Index FeatureStream::pass_bytes() const {
    return rows_.size() * row_bytes_of(manifest_);
}

void FeatureStream::check_unchanged() const {
    for (const FeatureFile& file : files_) {
        data::check_unchanged(file.part);
    }
}

ReadAhead::ReadAhead(FeatureStream& stream, int thread, Range blocks)
    : stream_(stream),
      buffers_(stream.buffers_.at(narrow<std::size_t>(thread))),
      blocks_(blocks),
      rows_(rows_of_blocks(stream.plan_, blocks)),
      next_block_(blocks.first) {
    if (buffers_.size() > 1) {
        reader_ = std::jthread([this] { read_all(); });
    }
}

ReadAhead::~ReadAhead() {
    {
        const std::lock_guard lock(guard_);
        is_stopping_ = true;
    }
    has_changed_.notify_all();
}

Range ReadAhead::blocks_of_slot(Index slot) const {
    const Index first = blocks_.first + slot * stream_.ring_.blocks_per_slot;
    return {.first = first, .end = std::min(first + stream_.ring_.blocks_per_slot, blocks_.end)};
}

const std::byte* ReadAhead::next() {
    const Index slot = (next_block_ - blocks_.first) / stream_.ring_.blocks_per_slot;
    const Range in_slot = blocks_of_slot(slot);
    if (next_block_ == in_slot.first) {
        if (reader_.joinable()) {
            wait_until_filled(slot);
        } else {
            fill(slot);
        }
    }
    const Index row = stream_.plan_.rows_of_block(next_block_).first -
                      stream_.plan_.rows_of_block(in_slot.first).first;
    ++next_block_;
    return buffer_of(slot).data() + row * row_bytes_of(stream_.manifest_);
}

void ReadAhead::wait_until_filled(Index slot) {
    std::unique_lock lock(guard_);
    freed_ = slot;
    has_changed_.notify_all();
    has_changed_.wait(lock, [&] { return filled_ > slot || error_; });
    if (filled_ <= slot) {
        std::rethrow_exception(error_);
    }
}

bool ReadAhead::wait_for_room(Index slot) {
    std::unique_lock lock(guard_);
    has_changed_.wait(lock, [&] { return is_stopping_ || slot - freed_ < std::ssize(buffers_); });
    return !is_stopping_;
}

void ReadAhead::read_all() {
    try {
        for (Index slot = 0; blocks_of_slot(slot).size() > 0 && wait_for_room(slot); ++slot) {
            fill(slot);
            const std::lock_guard lock(guard_);
            filled_ = slot + 1;
            has_changed_.notify_all();
        }
    } catch (...) {
        const std::lock_guard lock(guard_);
        error_ = std::current_exception();
        has_changed_.notify_all();
    }
}

void ReadAhead::fill(Index slot) {
    const Range rows = rows_of_blocks(stream_.plan_, blocks_of_slot(slot));
    const Index bytes = rows.size() * row_bytes_of(stream_.manifest_);
    Buffer& buffer = buffer_of(slot);
    buffer.reserve(bytes);
    read(rows, buffer.data());
    if (rows.end == rows_.end) {
        leave_file();
    }
    stream_.bytes_read_ += bytes;
}

void ReadAhead::read(Range rows, std::byte* out) {
    while (rows.size() > 0) {
        open_file_of(rows.first);
        const Range in_file = rows_in_file(stream_.files_[file_].part, rows);
        source_->read(in_file, out);
        out += in_file.size() * row_bytes_of(stream_.manifest_);
        rows.first += in_file.size();
    }
}

void ReadAhead::open_file_of(Index row) {
    const auto ends_before = [&](const FeatureFile& file) {
        return file.part.first_row + file.part.rows <= row;
    };
    if (source_ != nullptr && ends_before(stream_.files_[file_])) {
        leave_file();
    }
    if (source_ == nullptr) {
        while (ends_before(stream_.files_.at(file_))) {
            ++file_;
        }
        const FeatureFile& file = stream_.files_[file_];
        source_ =
            open_rows(stream_.manifest_, file, rows_in_file(file.part, rows_), stream_.library_);
    }
}

/// What was written to while it was read may have given rows of no data set at all.
void ReadAhead::leave_file() {
    source_->check_unchanged();
    source_.reset();
}

}  // namespace paralogit::data
