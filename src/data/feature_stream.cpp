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
                             RingSize ring, Trace* trace)
    : manifest_(manifest),
      plan_(plan),
      files_(std::move(files)),
      blocks_(blocks),
      rows_(rows_of_blocks(plan, blocks)),
      ring_(ring),
      trace_(trace),
      buffers_(narrow<std::size_t>(threads)) {
    for (std::vector<Buffer>& buffers : buffers_) {
        buffers.resize(narrow<std::size_t>(ring.slots));
    }
    std::erase_if(files_, [&](const FeatureFile& file) {
        return rows_in_file(file.part, rows_).size() <= 0;
    });
    mappings_.resize(files_.size());
    surveys_.resize(files_.size());
}

RowMapping FeatureStream::mapping_of(std::size_t file) {
    const std::lock_guard lock(mappings_guard_);
    const FilePart& part = files_.at(file).part;
    RowMapping mapping{.file = mappings_[file].lock(), .rows = rows_in_file(part, rows_)};
    if (mapping.file == nullptr) {
        const Index row_bytes = row_bytes_of(manifest_);
        const Index bytes = mapping.rows.size() * row_bytes;
        mapping.file = std::make_shared<const MappedFile>(
            SourceFile(part), files_[file].offset + mapping.rows.first * row_bytes, bytes);
        mappings_[file] = mapping.file;
        if (surveys_[file] == nullptr) {
            surveys_[file] = std::make_unique<PageSurvey>(bytes);
        }
    }
    mapping.survey = surveys_[file].get();
    if (!mapping.file->is_mapped()) {
        mapping.file = nullptr;
    }
    return mapping;
}

Index FeatureStream::pass_bytes() const {
    return rows_.size() * row_bytes_of(manifest_);
}

Index FeatureStream::memory_bytes() const {
    const Index blocks = ring_.slots * ring_.blocks_per_slot;
    return std::ssize(buffers_) *
               (blocks * plan_.rows_per_block() * row_bytes_of(manifest_) + ring_.bytes_beside) +
           ring_.shared_bytes;
}

void FeatureStream::check_unchanged() const {
    for (const FeatureFile& file : files_) {
        data::check_unchanged(file.part);
    }
}

ReadAhead::ReadAhead(FeatureStream& stream, int thread, Range multiples, Index step)
    : stream_(stream),
      buffers_(stream.buffers_.at(narrow<std::size_t>(thread))),
      computing_lane_(thread_lane(stream.trace_, thread)),
      reading_lane_(buffers_.size() > 1 ? reader_lane(stream.trace_, thread) : computing_lane_),
      multiples_(multiples),
      block_step_(step),
      rows_{.first = rows_of(multiples.first).first, .end = rows_of(multiples.end - 1).end},
      next_(multiples.first) {
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

Range ReadAhead::multiples_of_slot(Index slot) const {
    const Index first = multiples_.first + slot * stream_.ring_.blocks_per_slot;
    return {.first = first, .end = std::min(first + stream_.ring_.blocks_per_slot, multiples_.end)};
}

const std::byte* ReadAhead::next() {
    if (stream_.ring_.is_mapped) {
        return next_mapped();
    }
    const Index slot = (next_ - multiples_.first) / stream_.ring_.blocks_per_slot;
    const Range in_slot = multiples_of_slot(slot);
    if (next_ == in_slot.first) {
        if (reader_.joinable()) {
            wait_until_filled(slot);
        } else {
            fill(slot);
        }
    }
    // Only the last block of all may have fewer rows.
    const Index row = (next_ - in_slot.first) * stream_.plan_.rows_per_block();
    ++next_;
    return buffer_of(slot).data() + row * row_bytes_of(stream_.manifest_);
}

const std::byte* ReadAhead::next_mapped() {
    const Range rows = rows_of(next_++);
    open_file_of(rows.first);
    stream_.bytes_read_ += rows.size() * row_bytes_of(stream_.manifest_);
    const Range in_file = rows_in_file(stream_.files_[file_].part, rows);
    const std::byte* const there = in_file.size() == rows.size() ? source_->view(in_file) : nullptr;
    if (there != nullptr) {
        return there;
    }
    Buffer& buffer = buffers_.front();
    buffer.reserve(stream_.plan_.rows_per_block() * row_bytes_of(stream_.manifest_));
    read(rows, buffer.data());
    return buffer.data();
}

void ReadAhead::finish() {
    if (source_ != nullptr) {
        leave_file();
    }
}

void ReadAhead::wait_until_filled(Index slot) {
    const TraceSpan span(computing_lane_, "wait for rows");
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
        for (Index slot = 0; multiples_of_slot(slot).size() > 0 && wait_for_room(slot); ++slot) {
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
    const TraceSpan span(reading_lane_, "read");
    const Range multiples = multiples_of_slot(slot);
    const Index row_bytes = row_bytes_of(stream_.manifest_);
    Buffer& buffer = buffer_of(slot);
    buffer.reserve(multiples.size() * stream_.plan_.rows_per_block() * row_bytes);
    std::byte* out = buffer.data();
    for (Index multiple = multiples.first; multiple < multiples.end;) {
        // Blocks that lie side by side are read at once.
        const Index last = block_step_ == 1 ? multiples.end - 1 : multiple;
        const Range rows{.first = rows_of(multiple).first, .end = rows_of(last).end};
        read(rows, out);
        out += rows.size() * row_bytes;
        stream_.bytes_read_ += rows.size() * row_bytes;
        multiple = last + 1;
    }
    if (multiples.end == multiples_.end) {
        leave_file();
    }
}

void ReadAhead::read(Range rows, std::byte* out) {
    while (rows.size() > 0) {
        open_file_of(rows.first);
        const Range in_file = rows_in_file(stream_.files_[file_].part, rows);
        tell_change_first(stream_.files_[file_].part, [&] { source_->read(in_file, out); });
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
        open_file();
    }
}

void ReadAhead::open_file() {
    const FeatureFile& file = stream_.files_[file_];
    const Reading reading = block_step_ == 1 ? Reading::all : Reading::some;
    if (stream_.ring_.is_mapped) {
        RowMapping mapping = stream_.mapping_of(file_);
        if (mapping.file != nullptr) {
            source_ = std::make_unique<MappedRows>(
                std::move(mapping), file, rows_in_file(file.part, rows_),
                row_bytes_of(stream_.manifest_), stream_.ring_.window_bytes, reading,
                buffers_.front());
            return;
        }
    }
    tell_change_first(file.part, [&] {
        source_ = open_rows(stream_.manifest_, file, rows_in_file(file.part, rows_), reading,
                            stream_.library_, reading_lane_);
    });
}

/// What was written to while it was read may have given rows of no data set at all.
void ReadAhead::leave_file() {
    source_->check_unchanged();
    source_.reset();
}

}  // namespace paralogit::data
