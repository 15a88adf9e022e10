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
      blocks_(blocks),
      rows_(rows_of_blocks(stream.plan_, blocks)),
      next_block_(blocks.first) {
    for (Buffer& buffer : stream.buffers_.at(narrow<std::size_t>(thread))) {
        slots_.push_back({.buffer = &buffer, .mapped = nullptr, .mapped_rows = {}});
    }
    reader_ = std::jthread([this] { read_all(); });
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
        std::unique_lock lock(guard_);
        freed_ = slot;
        has_changed_.notify_all();
        has_changed_.wait(lock, [&] { return filled_ > slot || error_; });
        if (filled_ <= slot) {
            std::rethrow_exception(error_);
        }
    }
    const Index row = stream_.plan_.rows_of_block(next_block_).first -
                      stream_.plan_.rows_of_block(in_slot.first).first;
    ++next_block_;
    return slot_of(slot).features + row * row_bytes_of(stream_.manifest_);
}

bool ReadAhead::wait_for_room(Index slot) {
    std::unique_lock lock(guard_);
    has_changed_.wait(lock, [&] { return is_stopping_ || slot - freed_ < stream_.ring_.slots; });
    return !is_stopping_;
}

void ReadAhead::read_all() {
    try {
        for (Index slot = 0; blocks_of_slot(slot).size() > 0 && wait_for_room(slot); ++slot) {
            const Range rows = rows_of_blocks(stream_.plan_, blocks_of_slot(slot));
            empty(slot_of(slot));
            fill(slot_of(slot), rows);
            if (rows.end == rows_.end) {
                leave_file();
            }
            stream_.bytes_read_ += rows.size() * row_bytes_of(stream_.manifest_);
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

void ReadAhead::fill(Slot& slot, Range rows) {
    open_file_of(rows.first);
    const Range all_in_file = rows_in_file(stream_.files_[file_].part, rows);
    if (all_in_file.size() == rows.size()) {
        slot.features = source_->map(all_in_file);
        if (slot.features != nullptr) {
            slot.mapped = source_;
            slot.mapped_rows = all_in_file;
            return;
        }
    }
    const Index row_bytes = row_bytes_of(stream_.manifest_);
    slot.buffer->reserve(rows.size() * row_bytes);
    slot.features = slot.buffer->data();
    std::byte* out = slot.buffer->data();
    while (rows.size() > 0) {
        open_file_of(rows.first);
        const Range in_file = rows_in_file(stream_.files_[file_].part, rows);
        source_->read(in_file, out);
        out += in_file.size() * row_bytes;
        rows.first += in_file.size();
    }
}

void ReadAhead::empty(Slot& slot) {
    if (slot.mapped != nullptr) {
        slot.mapped->release(slot.mapped_rows);
        slot.mapped = nullptr;
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
        source_ = open_rows(stream_.manifest_, file, rows_in_file(file.part, rows_),
                            stream_.library_);
    }
}

/// What was written to while it was read may have given rows of no data set at all.
void ReadAhead::leave_file() {
    source_->check_unchanged();
    source_.reset();
}

}  // namespace paralogit::data
