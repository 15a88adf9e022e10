#include "paralogit/data/import/text_chunks.hpp"

#include <algorithm>
#include <utility>

#include "paralogit/base/checked.hpp"

namespace paralogit::data {

namespace {

/// Small enough for the cache of a core.
constexpr Index read_bytes = Index{1} << 17;

bool ends_line(char c) {
    return c == '\n' || c == '\r';
}

Index chunks_of(Index text_bytes, Index chunk_bytes) {
    return (text_bytes + chunk_bytes - 1) / chunk_bytes;
}

/// Where chunk k is read from: the byte before it decides whether a line begins there.
Index reading_offset(Index chunk, Index chunk_bytes) {
    return std::max<Index>(chunk * chunk_bytes - 1, 0);
}

/// Most texts have none, or few.
Index quotes_in(std::string_view text) {
    Index count = 0;
    for (std::size_t at = text.find('"'); at != std::string_view::npos;
         at = text.find('"', at + 1)) {
        ++count;
    }
    return count;
}

void set_text(TextChunk& chunk, std::string_view text) {
    chunk.text.assign(text);
    if (!text.empty() && !ends_line(text.back())) {
        chunk.text += '\n';
    }
}

}  // namespace

LineCutter::LineCutter(ReadText read, Index offset, Quotes quotes, bool is_quoted)
    : read_(std::move(read)),
      window_offset_(offset),
      seen_(offset),
      quotes_(quotes),
      is_quoted_(is_quoted && quotes == Quotes::hide_line_ends),
      last_start_(offset) {}

bool LineCutter::has(Index offset) {
    while (!text_end_) {
        const Index end = window_offset_ + static_cast<Index>(window_.size() - dropped_);
        if (offset < end) {
            return true;
        }
        window_.erase(0, std::exchange(dropped_, 0));
        const std::size_t held = window_.size();
        window_.resize(held + narrow<std::size_t>(std::max(offset + 1 - end, read_bytes)));
        const std::size_t got = read_(std::span(window_).subspan(held));
        window_.resize(held + got);
        if (got == 0) {
            text_end_ = end;
        }
    }
    return offset < *text_end_;
}

Index LineCutter::line_start(Index at) {
    if (at <= last_start_) {
        return last_start_;
    }
    // The byte before `at` may end a line.
    Index i = at - 1;
    if (!has(i)) {
        return last_start_ = *text_end_;
    }
    if (quotes_ == Quotes::hide_line_ends && i > seen_) {
        const std::string_view passed = text(seen_, i);
        is_quoted_ ^= std::count(passed.begin(), passed.end(), '"') % 2 != 0;
    }
    for (; has(i); ++i) {
        const char c = window_[dropped_ + static_cast<std::size_t>(i - window_offset_)];
        if (c == '"' && quotes_ == Quotes::hide_line_ends) {
            is_quoted_ = !is_quoted_;
        }
        if (is_quoted_ || !ends_line(c)) {
            continue;
        }
        const bool is_half_an_end =
            c == '\r' && has(i + 1) &&
            window_[dropped_ + static_cast<std::size_t>(i + 1 - window_offset_)] == '\n';
        if (!is_half_an_end) {
            seen_ = i + 1;
            return last_start_ = i + 1;
        }
    }
    seen_ = i;
    return last_start_ = i;
}

std::string_view LineCutter::text(Index first, Index end) const {
    return std::string_view(window_).substr(dropped_ + narrow<std::size_t>(first - window_offset_),
                                            narrow<std::size_t>(end - first));
}

void LineCutter::drop_before(Index offset) {
    dropped_ += narrow<std::size_t>(offset - window_offset_);
    window_offset_ = offset;
}

std::vector<Index> count_quotes(const TextFile& file, Index chunk_bytes, int rank, int ranks) {
    const Index chunks = chunks_of(file.file_bytes, chunk_bytes);
    std::vector<Index> counts(static_cast<std::size_t>(chunks), 0);
    std::vector<char> piece(narrow<std::size_t>(read_bytes));
    for (Index k = rank; k < chunks; k += ranks) {
        const Index first = reading_offset(k, chunk_bytes);
        const ReadText read = open_text(file, first);
        const Index end = reading_offset(k + 1, chunk_bytes);
        for (Index at = first; at < end;) {
            const std::size_t got = read(std::span(piece).first(
                narrow<std::size_t>(std::min(end - at, narrow<Index>(piece.size())))));
            if (got == 0) {
                break;
            }
            counts[static_cast<std::size_t>(k)] += quotes_in({piece.data(), got});
            at += narrow<Index>(got);
        }
    }
    return counts;
}

ChunkWalk::ChunkWalk(const ChunkPlan& plan, int rank, int ranks, Index skipped)
    : plan_(plan), rank_(rank), ranks_(ranks), skipped_(skipped) {}

bool ChunkWalk::is_own(Index number) {
    return number % ranks_ == rank_ && skipped_-- <= 0;
}

void ChunkWalk::close_file(Index chunks_of_file) {
    first_number_ += chunks_of_file;
    chunk_ = 0;
    next_start_ = 0;
    cutter_.reset();
    ++file_;
}

bool ChunkWalk::next(TextChunk& chunk) {
    while (file_ < plan_.files.size()) {
        const bool found = plan_.files[file_].compression == Compression::none
                               ? next_of_plain(chunk)
                               : next_of_compressed(chunk);
        if (found) {
            return true;
        }
    }
    return false;
}

bool ChunkWalk::next_of_plain(TextChunk& chunk) {
    const TextFile& file = plan_.files[file_];
    const Index bytes = plan_.chunk_bytes;
    const Index chunks = chunks_of(file.file_bytes, bytes);
    for (; chunk_ < chunks; ++chunk_) {
        if (!is_own(first_number_ + chunk_)) {
            continue;
        }
        const Index k = chunk_++;
        const bool is_quoted =
            !plan_.is_quoted.empty() && plan_.is_quoted[file_][static_cast<std::size_t>(k)];
        const Index from = reading_offset(k, bytes);
        LineCutter cutter(open_text(file, from), from, plan_.quotes, is_quoted);
        const Index first = cutter.line_start(k * bytes);
        const Index end = cutter.line_start((k + 1) * bytes);
        chunk.file = file_;
        chunk.number = first_number_ + k;
        chunk.offset = first;
        set_text(chunk, cutter.text(first, end));
        return true;
    }
    close_file(chunks);
    return false;
}

bool ChunkWalk::next_of_compressed(TextChunk& chunk) {
    if (!cutter_) {
        cutter_.emplace(open_text(plan_.files[file_]), 0, plan_.quotes);
    }
    const Index bytes = plan_.chunk_bytes;
    while (!cutter_->text_end() || chunk_ * bytes < *cutter_->text_end()) {
        const Index k = chunk_++;
        const Index first = next_start_;
        next_start_ = cutter_->line_start((k + 1) * bytes);
        const bool found = is_own(first_number_ + k);
        if (found) {
            chunk.file = file_;
            chunk.number = first_number_ + k;
            chunk.offset = first;
            set_text(chunk, cutter_->text(first, next_start_));
        }
        cutter_->drop_before(next_start_);
        if (found) {
            return true;
        }
    }
    close_file(chunks_of(*cutter_->text_end(), bytes));
    return false;
}

}  // namespace paralogit::data
