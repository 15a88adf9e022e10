#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "paralogit/comm/communicator.hpp"
#include "paralogit/data/import/text_chunks.hpp"
#include "text_format.hpp"

namespace paralogit::train {

/// The rows of this rank's chunks of the text. They are gone through more than once; what has been
/// parsed is kept as far as there is memory for it, and parsed again beyond that.
class TextRows {
  public:
    TextRows(const comm::Communicator& comm, data::ChunkPlan plan, TextFormat format, int threads);

    /// What is done with a chunk of that number, on that thread.
    using Action = std::function<void(int thread, Index number, const data::ParsedChunk& chunk)>;

    /// The first time. Throws the error of the first line of all files that has one. @collective
    void read(const Action& action);
    /// Any further time, chunk by chunk. Not collective.
    void for_each(const Action& action);

    /// A text that is the first value of a column of numbers which CsvFormat::is_undecided.
    struct FirstText {
        std::size_t column = 0;
        std::string file;
        std::string rows;  ///< from its record on, to the end of the chunk
    };
    /// After read() threw: when it was because of one. The same on all ranks.
    const std::optional<FirstText>& first_text() const { return first_text_; }

    /// Of all ranks. After read().
    Index chunks() const { return chunks_; }
    int threads() const { return threads_; }

  private:
    bool read_some(data::ChunkWalk& walk, const Action& action, std::optional<Error>& failure);
    bool parse_batch(data::ChunkWalk& walk, std::size_t most, const Action& action);
    data::ParsedChunk parse(const data::TextChunk& text) const;
    Error located(const data::BadText& bad, const data::TextChunk& text) const;
    void note_numbers();
    void share_first_text(const Error& agreed);
    void keep();

    const comm::Communicator& comm_;
    data::ChunkPlan plan_;
    TextFormat format_;
    int threads_;
    Index memory_bytes_;  ///< left for chunks to be kept
    Index chunks_ = 0;
    std::vector<data::TextChunk> texts_;     ///< [threads]: the batch that is worked at
    std::vector<data::ParsedChunk> parsed_;  ///< [threads]
    std::size_t batch_ = 0;                  ///< how many of them there are
    std::vector<data::ParsedChunk> kept_;    ///< the first chunks of this rank
    std::vector<Index> kept_numbers_;
    /// By column, when some are undecided: the first chunk with a number in it.
    std::vector<Index> chunks_with_numbers_;
    std::vector<std::optional<data::FirstText>> own_first_texts_;  ///< [threads]
    std::optional<FirstText> first_text_;
};

}  // namespace paralogit::train
