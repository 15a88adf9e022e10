#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "paralogit/data/import/parsed_chunk.hpp"
#include "paralogit/data/import/text_input.hpp"

namespace paralogit::data {

/// What --label-column calls no column: the rows have no labels.
inline constexpr std::string_view no_label_column = "none";

/// What stands for a missing value where nobody says otherwise, with commas between them.
inline constexpr std::string_view usual_missing_markers =
    "NA,N/A,NaN,-NaN,null,None,<NA>,#NA,#N/A,#N/A N/A,1.#IND,-1.#IND,1.#QNAN,-1.#QNAN,?";
/// The word in --missing-markers for all of them.
inline constexpr std::string_view usual_markers_word = "usual";
/// As a list.
std::vector<std::string> usual_markers();

/// What messages tell the user to do about missing values.
struct MissingAdvice {
    /// Beside --missing-markers: what was given, or may be; empty when there is no need.
    std::string option = "--missing mean";
    std::string like;  ///< the table whose columns these rows get; empty when there is none
};

enum class ColumnKind : std::uint8_t { number, text, number_label, text_label, weight, dropped };

/// A field that is no number in a column of numbers.
struct OddField {
    std::size_t column;
    std::string text;
};

/// How the lines of a CSV file are to be read.
struct CsvFormat {
    /// Between fields; ' ' stands for one or more spaces or tabs.
    char separator = ',';
    bool has_header = false;
    std::vector<std::string> names;  ///< [columns]; empty without a header
    /// [columns]: what features are called where no header names them; empty: column1, ...
    std::vector<std::string> names_without_header;
    std::vector<ColumnKind> kinds;         ///< [columns]
    std::vector<bool> is_text_by_request;  ///< [columns]; empty where nobody asked
    /// [columns], or empty: taken for numbers though no value was seen. The first one decides.
    std::vector<bool> is_undecided;
    std::vector<std::string> first_fields;  ///< of the first line, some of them: for messages
    /// Fields that stand for a missing value, beside the empty one: spelled so in upper or lower
    /// case, or in a column of numbers equal to a marker that is a number.
    std::vector<std::string> missing_markers;
    /// [columns]: texts, sorted, that are none although a marker is spelled like them; or empty.
    std::vector<std::vector<std::string>> texts_in_spite_of_markers;
    /// Sorted: what labels that are texts may be; empty: anything.
    std::vector<std::string> known_labels;
    /// Whether features may be missing; labels never may.
    bool is_missing_allowed = false;
    MissingAdvice advice;
    /// Whether the first text of each column, in the order of their bytes, is its reference: the
    /// one that has no feature of its own, for all features of the column are 0 there.
    bool is_first_text_reference = false;
    /// Of each column of numbers that has some among the first rows, the first one: for messages.
    std::vector<OddField> odd_fields;
    std::vector<std::string> notes;  ///< on what the user asked for
    /// [columns]: the reference of a column that the user chose; empty where nobody did.
    std::vector<std::optional<std::string>> chosen_references;

    /// Of a feature that is a number, and what those of a text begin with.
    std::string feature_name(std::size_t column) const;
    /// "column 3 ('age')"
    std::string name_of_column(std::size_t column) const;
    /// What an option calls the column: its name when no other has it and a terminal shows it as
    /// it is, else its number.
    std::string short_name(std::size_t column) const;
    /// An option that takes a list of columns, with this one: "--text age".
    std::string option_on(std::string_view list_option, std::size_t column) const;
    /// A sentence on a feature that has a usual name of row weights; empty when there is none.
    std::string note_on_weights() const;
    /// Whether the first line names the columns, or what it holds as a row.
    std::string header_in_words() const;
};

/// A text is the first value of a column that is_undecided, as far as the chunk goes.
struct FirstText : BadText {
    FirstText(Index at, const std::string& what, std::size_t of) : BadText(at, what), column(of) {}
    std::size_t column;
    Index record = 0;  ///< the offset where its record begins
};

/// Whether a column of numbers, or of labels that are, has one in some rows: `values` and `labels`
/// are those of a ParsedChunk.
bool has_number(const CsvFormat& format, std::size_t column, std::span<const double> values,
                std::span<const double> labels);

/// Reads the records of a chunk. The text is empty or ends in CR or LF. `is_first_of_file`: its
/// first record is the header when the format has one. Throws BadText at the offset of the first
/// thing that is wrong, FirstText for one.
ParsedChunk parse_csv(std::string_view text, const CsvFormat& format, bool is_first_of_file);

/// Whether the beginning of a file, which ends as in parse_csv(), has its header, or without one
/// its first row, and not comments and empty lines alone.
bool has_first_record(std::string_view beginning, const CsvFormat& format);

/// What the user says of CSV files.
struct CsvRequest {
    std::optional<char> separator;
    std::optional<bool> has_header;
    /// A name, a number from 1, "last", or no_label_column; empty: by habit (y, label, target,
    /// ...).
    std::optional<std::string> label_column;
    std::optional<std::string> weight_column;  ///< a name, a number from 1, or "last"
    std::vector<std::string> dropped_columns;
    std::vector<std::string> text_columns;  ///< that are texts although they look like numbers
    std::vector<std::string> missing_markers;
    bool is_missing_allowed = false;
    MissingAdvice advice;
    bool is_first_text_reference = false;
    std::vector<std::string> references;  ///< "column=text"
    /// Another table tells which columns are texts and which are taken at all.
    bool are_kinds_known = false;
};

/// Decides from the beginning of the first file's text, which is the whole text or ends anywhere.
/// Throws Error (input_data) that names the file and lists the columns.
CsvFormat detect_csv(std::string_view head, const CsvRequest& request, const std::string& name);

/// Decides on columns that are undecided by the records that `text` begins with, which ends as in
/// parse_csv(). Returns whether `column` is one of texts then; when not, nothing is changed. Throws
/// as detect_csv().
bool decide_kinds(CsvFormat& format, std::string_view text, std::size_t column,
                  const CsvRequest& request, const std::string& name);

/// The fields of the first records of a text, quotes taken off; a record that does not end within
/// the text is left out. For looking at, not for reading: nothing is an error.
std::vector<std::vector<std::string>> split_records(std::string_view text, char separator,
                                                    std::size_t most_records);

}  // namespace paralogit::data
