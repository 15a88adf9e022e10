#include "text_rows.hpp"

#include <unistd.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <utility>

#include "paralogit/base/threads.hpp"
#include "paralogit/comm/agreement.hpp"

namespace paralogit::train {

namespace {

/// Bytes of text that fail at the same place in the order of files go into one number.
constexpr Index file_stride = Index{1} << 43;

/// Where something lies in the text of all files, as the row of an error: the lowest one wins.
Index order_of(std::size_t file, Index offset) {
    return static_cast<Index>(file) * file_stride + std::min(offset, file_stride - 1);
}

constexpr Index no_chunk = std::numeric_limits<Index>::max();

/// For chunks that wait for their types. No more than a quarter of the machine, nor than what a
/// batch system commonly gives a core.
Index memory_for_chunks(const comm::Communicator& comm) {
    constexpr Index most = Index{1} << 30;
    const Index machine = Index{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE);
    return std::min(most, machine / 4 / comm.sum_on_host(1));
}

}  // namespace

TextRows::TextRows(const comm::Communicator& comm, data::ChunkPlan plan, TextFormat format,
                   int threads)
    : comm_(comm),
      plan_(std::move(plan)),
      format_(std::move(format)),
      threads_(threads),
      memory_bytes_(memory_for_chunks(comm)),
      texts_(static_cast<std::size_t>(threads)),
      parsed_(static_cast<std::size_t>(threads)),
      own_first_texts_(static_cast<std::size_t>(threads)) {
    if (format_.csv) {
        chunks_with_numbers_.resize(format_.csv->is_undecided.size(), no_chunk);
    }
}

data::ParsedChunk TextRows::parse(const data::TextChunk& text) const {
    // What comes before the first record must lie in the first chunk with its beginning.
    if (format_.csv && text.offset == 0 &&
        static_cast<Index>(text.text.size()) >= plan_.chunk_bytes &&
        !data::has_first_record(text.text, *format_.csv)) {
        throw data::BadText(
            0, "the file begins with more than 2 MiB of comments or empty lines; remove them");
    }
    return format_.csv ? data::parse_csv(text.text, *format_.csv, text.offset == 0)
                       : data::parse_libsvm(text.text, format_.libsvm, text.offset == 0);
}

Error TextRows::located(const data::BadText& bad, const data::TextChunk& text) const {
    const data::TextFile& file = plan_.files[text.file];
    const Index offset = text.offset + bad.offset;
    return {ExitCode::input_data,
            data::locate(file.path, data::open_text(file), offset) + ": " + bad.what(),
            order_of(text.file, offset)};
}

/// Up to `most` chunks side by side. Returns whether there were so many. Throws the error of the
/// first line that has one, then one of reading on.
bool TextRows::parse_batch(data::ChunkWalk& walk, std::size_t most, const Action& action) {
    std::exception_ptr cannot_go_on;
    batch_ = 0;
    try {
        while (batch_ < most && walk.next(texts_[batch_])) {
            ++batch_;
        }
    } catch (...) {
        cannot_go_on = std::current_exception();
    }
    // Of several errors the one with the lowest number is thrown, which comes first in the text.
    run_threads(static_cast<int>(batch_), [&](int thread) {
        const auto t = static_cast<std::size_t>(thread);
        if (t >= batch_) {
            return;
        }
        try {
            parsed_[t] = parse(texts_[t]);
        } catch (const data::FirstText& first) {
            own_first_texts_[t] = first;
            throw located(first, texts_[t]);
        } catch (const data::BadText& bad) {
            throw located(bad, texts_[t]);
        }
        action(thread, texts_[t].number, parsed_[t]);
    });
    if (cannot_go_on) {
        std::rethrow_exception(cannot_go_on);
    }
    return batch_ == most;
}

void TextRows::note_numbers() {
    for (std::size_t i = 0; i < chunks_with_numbers_.size(); ++i) {
        for (std::size_t t = 0; t < batch_ && chunks_with_numbers_[i] == no_chunk; ++t) {
            if (format_.csv->is_undecided[i] &&
                data::has_number(*format_.csv, i, parsed_[t].values, parsed_[t].labels)) {
                chunks_with_numbers_[i] = texts_[t].number;
            }
        }
    }
}

/// When the error is a first text of some rank's, and no number comes before it.
void TextRows::share_first_text(const Error& agreed) {
    // Of a batch that failed; chunks behind the error do not matter.
    note_numbers();
    Index chunk = -1;
    Index file = -1;
    Index column = -1;
    std::string rows;
    for (std::size_t t = 0; t < batch_; ++t) {
        const std::optional<data::FirstText>& first = own_first_texts_[t];
        const data::TextChunk& text = texts_[t];
        if (first && order_of(text.file, text.offset + first->offset) == agreed.global_row()) {
            chunk = text.number;
            file = static_cast<Index>(text.file);
            column = static_cast<Index>(first->column);
            rows = text.text.substr(static_cast<std::size_t>(first->record));
        }
    }
    chunk = comm_.max(chunk);
    file = comm_.max(file);
    column = comm_.max(column);
    if (chunk < 0 || comm_.min(chunks_with_numbers_[static_cast<std::size_t>(column)]) < chunk) {
        return;
    }
    first_text_ = FirstText{.column = static_cast<std::size_t>(column),
                            .file = plan_.files[static_cast<std::size_t>(file)].path,
                            .rows = {}};
    for (const std::string& of_rank : comm_.all_gather(rows)) {
        first_text_->rows += of_rank;
    }
}

void TextRows::keep() {
    for (std::size_t t = 0; t < batch_ && memory_bytes_ > 0; ++t) {
        memory_bytes_ -= parsed_[t].bytes();
        kept_.push_back(std::move(parsed_[t]));
        kept_numbers_.push_back(texts_[t].number);
    }
}

/// Returns whether there may be more.
bool TextRows::read_some(data::ChunkWalk& walk, const Action& action,
                         std::optional<Error>& failure) {
    constexpr std::size_t chunks_at_once = 64;
    try {
        for (std::size_t done = 0; done < chunks_at_once; done += batch_) {
            const bool may_have_more =
                parse_batch(walk, std::min(texts_.size(), chunks_at_once - done), action);
            note_numbers();
            keep();
            if (!may_have_more) {
                return false;
            }
        }
        return true;
    } catch (const Error& error) {
        // A file that cannot be read to its end fails behind all of its lines.
        failure = error.global_row() == Error::no_row
                      ? Error(error.code(), error.what(), order_of(walk.file(), file_stride))
                      : error;
    } catch (...) {
        failure = comm::error_from(std::current_exception());
    }
    return false;
}

void TextRows::read(const Action& action) {
    data::ChunkWalk walk(plan_, comm_.rank(), comm_.size());
    bool has_more = true;
    // Every rank goes through as many chunks before it asks the others: so when one has found an
    // error, all that comes before it has been looked at.
    while (comm_.max(Index{has_more}) > 0) {
        std::optional<Error> failure;
        if (has_more) {
            has_more = read_some(walk, action, failure);
        }
        try {
            comm::agree(comm_, failure, comm::NameRank::never);
        } catch (const comm::AgreedError& agreed) {
            if (!chunks_with_numbers_.empty()) {
                share_first_text(agreed);
            }
            throw;
        }
    }
    chunks_ = walk.chunks();
}

void TextRows::for_each(const Action& action) {
    const auto kept = static_cast<Index>(kept_.size());
    run_threads(threads_, [&](int thread) {
        const Range part = part_of({0, kept}, thread, threads_);
        for (Index i = part.first; i < part.end; ++i) {
            const auto k = static_cast<std::size_t>(i);
            action(thread, kept_numbers_[k], kept_[k]);
        }
    });
    const bool is_all_kept = memory_bytes_ > 0;
    if (is_all_kept) {
        return;
    }
    data::ChunkWalk walk(plan_, comm_.rank(), comm_.size(), kept);
    while (parse_batch(walk, texts_.size(), action)) {
    }
}

}  // namespace paralogit::train
