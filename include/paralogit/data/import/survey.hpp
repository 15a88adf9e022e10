#pragma once

#include <optional>
#include <set>

#include "paralogit/data/import/parsed_chunk.hpp"
#include "paralogit/data/import/value_range.hpp"

namespace paralogit::data {

/// The distinct texts of a column, as long as they are not more than a limit.
class TextSet {
  public:
    /// Does nothing once there were more than `limit`.
    void add(const std::string& text, Index limit);
    void merge(const TextSet& other, Index limit);

    bool is_too_large() const { return is_too_large_; }
    /// In the order of their bytes.
    const std::set<std::string>& texts() const { return texts_; }

    void put(ByteWriter& writer) const;
    static TextSet take(ByteReader& reader);

  private:
    std::set<std::string> texts_;
    bool is_too_large_ = false;
};

/// One of the texts that spells a number.
std::optional<std::string> number_among(const TextSet& set);

/// What must be known of all rows before the file is laid out. Surveys of several chunks merge into
/// the survey of all rows, in any order.
struct ImportSurvey {
    Index rows = 0;
    /// What a sparse layout stores: numbers other than zero, texts, and numbers to be filled in.
    Index entries = 0;
    Index missing_values = 0;
    Index rounded_integers = 0;
    Index rows_with_query_id = 0;
    std::uint64_t lowest_index = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t highest_index = 0;
    ValueRange values;
    ValueRange labels;  ///< that are numbers
    ValueRange weights;
    TextSet label_texts;
    std::vector<TextSet> texts;  ///< by column of texts

    /// Adds a chunk with entries_of(chunk) entries. `text_limit`: most texts of a column.
    void add(const ParsedChunk& chunk, Index entries_of_chunk, Index text_limit);
    void merge(const ImportSurvey& other, Index text_limit);

    std::string to_bytes() const;
    static ImportSurvey from_bytes(const std::string& bytes);
};

/// Entries of one chunk, as in ImportSurvey.
Index entries_of(const ParsedChunk& chunk);

}  // namespace paralogit::data
