#pragma once

#include <span>
#include <string>
#include <vector>

#include "csv_contents.hpp"

namespace paralogit::data {

/// For messages: how to say that texts stand for missing values; "TEXT" for those that a terminal
/// does not show as they are.
std::string options_for_missing(std::span<const std::string> texts, bool has_more = false);

/// Throws Error (input_data) for columns that are of texts though nobody called them so, and may as
/// well be of numbers with something wrong in them: with decimal commas, or with both numbers and
/// texts. Of the latter it tells all.
void check_text_columns(const CsvFormat& format, std::span<const ColumnContents> contents,
                        std::span<const Record> rows, const MissingMarkers& markers,
                        const CsvRequest& request, const std::string& file);

/// Columns of numbers that have a text among these first rows, with the first of them.
std::vector<OddField> odd_fields(const CsvFormat& format, std::span<const ColumnContents> contents);

/// For the end of a sentence on one of them: "; column 3 ('b') has 'x'"; empty when there are no
/// others.
std::string text_of_others(const CsvFormat& format, std::size_t column);

}  // namespace paralogit::data
