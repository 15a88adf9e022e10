#pragma once

#include <optional>

#include "paralogit/data/import/text_input.hpp"

namespace paralogit::data {

/// Whether line ends between quotes are part of a field, as in CSV.
enum class Quotes : bool { mean_nothing, hide_line_ends };

/// Cuts a text at the beginnings of lines, reading it once from front to back.
class LineCutter {
  public:
    /// `read` begins at `offset` of the text, with an open quote or without.
    LineCutter(ReadText read, Index offset, Quotes quotes, bool is_quoted = false);

    /// Where the first line begins at or after `at`, which must not fall; the end of the text when
    /// none does.
    Index line_start(Index at);
    /// The bytes from `first` to `end`, both as line_start told or below; not those dropped.
    std::string_view text(Index first, Index end) const;
    /// Forgets what comes before.
    void drop_before(Index offset);
    /// The end of the text when it has been seen.
    std::optional<Index> text_end() const { return text_end_; }

  private:
    bool has(Index offset);

    ReadText read_;
    std::string window_;
    std::size_t dropped_ = 0;  ///< bytes at the front of the window that are forgotten
    Index window_offset_;      ///< of window_[dropped_]
    Index seen_;               ///< how far the quotes are followed
    Quotes quotes_;
    bool is_quoted_;
    Index last_start_;
    std::optional<Index> text_end_;
};

/// Lines of a text that begin in one range of `chunk_bytes` bytes.
struct TextChunk {
    std::size_t file = 0;
    Index number = 0;  ///< among the chunks of all files
    Index offset = 0;  ///< of text[0] in the text of the file
    /// Whole lines; when not empty it ends in CR or LF, which is added where the file has none.
    std::string text;
};

/// Where the chunks lie: a function of the files alone. The chunks of all files are numbered one
/// after the other; number g is the business of rank g % ranks.
struct ChunkPlan {
    static constexpr Index default_chunk_bytes = Index{1} << 21;

    std::vector<TextFile> files;
    Index chunk_bytes = default_chunk_bytes;
    Quotes quotes = Quotes::mean_nothing;
    /// Of the files that are not compressed, when quotes hide line ends: whether a quote is open
    /// where chunk k begins, by file.
    std::vector<std::vector<bool>> is_quoted;
};

/// How many quotes lie between the beginnings of chunks k and k + 1 of a file that is not
/// compressed, by k, for every `ranks`-th from `rank` on; 0 for the others.
std::vector<Index> count_quotes(const TextFile& file, Index chunk_bytes, int rank, int ranks);

/// The chunks of one rank, in rising order.
class ChunkWalk {
  public:
    /// Leaves out the first `skipped` chunks of this rank. The plan must live longer.
    ChunkWalk(const ChunkPlan& plan, int rank, int ranks, Index skipped = 0);

    /// The next chunk, or false after the last. Throws Error (input_data).
    bool next(TextChunk& chunk);
    /// Where it is, among the files of the plan.
    std::size_t file() const { return file_; }
    /// After the last: chunks of all ranks.
    Index chunks() const { return first_number_; }

  private:
    bool is_own(Index number);
    bool next_of_plain(TextChunk& chunk);
    bool next_of_compressed(TextChunk& chunk);
    void close_file(Index chunks_of_file);

    const ChunkPlan& plan_;
    int rank_;
    int ranks_;
    Index skipped_;
    std::size_t file_ = 0;
    Index first_number_ = 0;            ///< of the current file
    Index chunk_ = 0;                   ///< next one within the current file
    std::optional<LineCutter> cutter_;  ///< of a compressed file
    Index next_start_ = 0;              ///< where the cutter's next line begins
};

}  // namespace paralogit::data
