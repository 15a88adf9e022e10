#pragma once

#include <span>
#include <string>
#include <vector>

#include "csv_contents.hpp"

namespace paralogit::data {

/// For messages: how to say that texts stand for missing values beside those that do so already;
/// "TEXT" for those that a terminal does not show as they are.
std::string options_for_missing(const CsvFormat& format, std::span<const std::string> texts,
                                bool has_more = false);

/// Throws Error (input_data) for columns that are of texts though nobody called them so, and may as
/// well be of numbers with something wrong in them: numbers that are not plain, as with decimal
/// commas, or both numbers and texts. It tells all columns of a kind.
void check_text_columns(const CsvFormat& format, std::span<const ColumnContents> contents,
                        std::span<const Record> rows, const MissingMarkers& markers,
                        const CsvRequest& request, const std::string& file);

/// Columns of numbers that have a text among these first rows, with the first of them.
std::vector<OddField> odd_fields(const CsvFormat& format, std::span<const ColumnContents> contents);

/// What to do about a text in a column of numbers, and in which others there are some.
std::string advice_on_odd_text(const CsvFormat& format, std::size_t column,
                               const std::string& text);

}  // namespace paralogit::data
