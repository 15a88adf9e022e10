#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "missing_markers.hpp"
#include "paralogit/data/import/csv.hpp"

namespace paralogit::data {

using Record = std::vector<std::string>;

/// What a column holds in some records.
struct ColumnContents {
    Index numbers = 0;
    Index texts = 0;  ///< that neither are numbers nor stand for a missing value
    std::string first_number;
    std::string first_text;

    /// A text among as many numbers or more is a mistake, which the parser will name, and does not
    /// make a column of texts.
    bool is_of_numbers() const { return numbers >= texts; }
    bool is_empty() const { return numbers + texts == 0; }
};

/// Of each of the columns, in these records.
std::vector<ColumnContents> contents_of(std::span<const Record> records, std::size_t columns,
                                        const MissingMarkers& markers);

/// Whether the first record names the columns: what the user says, or else what the fields tell.
/// Throws Error (input_data) that names the file and asks for --header when they tell nothing.
bool find_header(std::span<const Record> records, const CsvRequest& request,
                 const MissingMarkers& markers, const std::string& file);

}  // namespace paralogit::data
