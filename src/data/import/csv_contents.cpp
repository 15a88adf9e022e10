#include "csv_contents.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "../text.hpp"
#include "../usual_names.hpp"
#include "paralogit/base/error.hpp"

namespace paralogit::data {

namespace {

/// Of labels too, though too rare for taking such a column for the labels without a word.
constexpr std::string_view further_names_of_labels[] = {"outcome", "response"};

bool is_number(const std::string& text) {
    double ignored = 0;
    return spells_number(text, ignored);
}

/// Whether the user calls the column of the labels by a name, which only a header can give it.
bool calls_label_by_name(const CsvRequest& request) {
    return request.label_column && *request.label_column != "last" &&
           *request.label_column != no_label_column &&
           request.label_column->find_first_not_of("0123456789") != std::string::npos;
}

/// Which fields of the first record occur in their columns below it, as data do and names do not.
std::vector<bool> recurring_fields(std::span<const Record> records) {
    const Record& first = records.front();
    std::vector<bool> recurs(first.size());
    for (const Record& record : records.subspan(1)) {
        for (std::size_t i = 0; i < std::min(first.size(), record.size()); ++i) {
            recurs[i] = recurs[i] || record[i] == first[i];
        }
    }
    return recurs;
}

[[noreturn]] void ask_for_header(const std::string& file, const Record& first) {
    constexpr std::size_t most = 10;
    const auto some = std::span(first).first(std::min(most, first.size()));
    throw Error(ExitCode::input_data,
                fmt::format("{}: cannot tell whether its first line, {}{}, names the columns or is "
                            "a row; give --header yes or --header no",
                            file, in_quotes(fmt::format("{}", fmt::join(some, ","))),
                            first.size() > most ? " ..." : ""));
}

}  // namespace

std::vector<ColumnContents> contents_of(std::span<const Record> records, std::size_t columns,
                                        const MissingMarkers& markers) {
    std::vector<ColumnContents> contents(columns);
    for (const Record& record : records) {
        for (std::size_t i = 0; i < std::min(columns, record.size()); ++i) {
            const std::string& field = record[i];
            if (markers.is_missing_field(field)) {
                continue;
            }
            const bool is_one = is_number(field);
            Index& count = is_one ? contents[i].numbers : contents[i].texts;
            if (count++ == 0) {
                (is_one ? contents[i].first_number : contents[i].first_text) = field;
            }
        }
    }
    return contents;
}

bool find_header(std::span<const Record> records, const CsvRequest& request,
                 const MissingMarkers& markers, const std::string& file) {
    if (request.has_header) {
        return *request.has_header;
    }
    if (calls_label_by_name(request)) {
        return true;
    }
    const Record& first = records.front();
    const std::vector<bool> recurs = recurring_fields(records);
    const std::vector<ColumnContents> below =
        contents_of(records.subspan(1), first.size(), markers);
    const auto is_above_numbers = [&](std::size_t i) {
        return below[i].numbers > 0 && below[i].is_of_numbers();
    };
    for (std::size_t i = 0; i < first.size(); ++i) {
        const bool is_usual =
            is_among(names_of_labels, first[i]) || is_among(further_names_of_labels, first[i]);
        // Above texts a single letter may be one of them: y and n.
        if (is_usual && !recurs[i] && (first[i].size() > 1 || is_above_numbers(i))) {
            return true;
        }
    }
    if (std::ranges::any_of(first, is_number)) {
        return false;
    }
    if (records.size() == 1) {
        return true;  // without rows: texts alone are no data
    }
    bool is_like_names = false;
    bool is_like_data = false;
    bool has_texts = false;
    for (std::size_t i = 0; i < first.size(); ++i) {
        if (first[i].empty()) {
            continue;
        }
        const bool is_missing = markers.is_missing_field(first[i]);
        has_texts = has_texts || !is_missing;
        is_like_data = is_like_data || is_missing || recurs[i];
        is_like_names = is_like_names || (!is_missing && !recurs[i] && is_above_numbers(i));
    }
    // A text above numbers is a name, or a mistake in the first row: what speaks for data decides
    // between the two no more than the numbers do.
    if (has_texts && is_like_names == is_like_data) {
        ask_for_header(file, first);
    }
    return is_like_names;
}

}  // namespace paralogit::data
