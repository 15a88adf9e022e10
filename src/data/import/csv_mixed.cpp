#include "csv_mixed.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <utility>

#include "../text.hpp"
#include "csv_fields.hpp"
#include "number_look.hpp"
#include "paralogit/base/command_text.hpp"
#include "paralogit/base/error.hpp"

namespace paralogit::data {

namespace {

constexpr std::size_t most_named = 8;

bool is_number(const std::string& text) {
    double ignored = 0;
    return spells_number(text, ignored);
}

std::string and_more(std::size_t count) {
    return count > most_named ? fmt::format(" and {} more", count - most_named) : "";
}

/// "3,14"
bool has_decimal_comma(std::string text) {
    const std::size_t comma = text.find(',');
    if (comma == std::string::npos) {
        return false;
    }
    text[comma] = '.';
    return is_number(text);
}

/// Of the texts of a column, when all of them are numbers of a kind, or most with decimal commas.
std::optional<NumberLook> look_of_column(std::span<const Record> rows, std::size_t column,
                                         const MissingMarkers& markers) {
    std::vector<std::string> texts;
    std::vector<std::string> with_commas;
    Index majority = 0;
    for (const Record& record : rows) {
        if (column >= record.size() || markers.is_missing_text(record[column])) {
            continue;
        }
        const std::string& text = texts.emplace_back(record[column]);
        const bool has_comma = has_decimal_comma(text);
        majority += has_comma || is_number(text) ? 1 : -1;
        if (has_comma) {
            with_commas.push_back(text);
        }
    }
    if (auto look = look_of(texts); look || majority <= 0 || with_commas.empty()) {
        return look;
    }
    if (auto look = look_of(with_commas)) {
        return look;
    }
    NumberLook look{.text = with_commas.front(), .plain = with_commas.front(), .other = {}};
    std::ranges::replace(look.plain, ',', '.');
    return look;
}

struct LookOfColumn {
    std::size_t column;
    NumberLook look;
};

[[noreturn]] void refuse_numbers(const CsvFormat& format, std::span<const LookOfColumn> columns,
                                 const std::string& file) {
    std::vector<std::string> found;
    std::vector<std::string> names;
    const std::size_t shown = std::min(most_named, columns.size());
    for (const auto& [column, look] : columns.first(shown)) {
        found.push_back(fmt::format("{}: {}", format.name_of_column(column), look.in_words()));
        names.push_back(format.short_name(column));
    }
    const bool is_comma_alone = columns.size() == 1 && columns.front().look.has_decimal_comma();
    throw Error(ExitCode::input_data,
                fmt::format("{}: {}{}; {}, or take the column{} as texts: {}", file,
                            fmt::join(found, "; "), and_more(columns.size()),
                            is_comma_alone ? "write numbers with a point (sed 's/,/./g' where no "
                                             "other commas are)"
                                           : "write plain numbers, without separators of thousands "
                                             "and signs of percent or currency, and with a point",
                            columns.size() == 1 ? "" : "s",
                            list_option_text("text", names, columns.size() > shown)));
}

/// With one word for those that are usual.
std::vector<std::string> in_few_words(const std::vector<std::string>& markers) {
    const auto is_in = [](const std::vector<std::string>& list) {
        return [&list](const std::string& text) {
            return std::ranges::find(list, text) != list.end();
        };
    };
    const std::vector<std::string> usual = usual_markers();
    if (!std::ranges::all_of(usual, is_in(markers))) {
        return markers;
    }
    std::vector<std::string> words{std::string(usual_markers_word)};
    std::ranges::remove_copy_if(markers, std::back_inserter(words), is_in(usual));
    return words;
}

/// For the end of a sentence on one of them: "; column 3 ('b') has 'x'"; empty when there are no
/// others.
std::string text_of_others(const CsvFormat& format, std::size_t column) {
    std::vector<std::string> found;
    std::size_t count = 0;
    for (const OddField& odd : format.odd_fields) {
        if (odd.column != column && ++count <= most_named) {
            found.push_back(
                fmt::format("{} has {}", format.name_of_column(odd.column), in_quotes(odd.text)));
        }
    }
    return count == 0 ? ""
                      : fmt::format("; so it is with other columns: {}{}", fmt::join(found, ", "),
                                    and_more(count));
}

[[noreturn]] void refuse_mixed(const CsvFormat& format, std::span<const ColumnContents> contents,
                               const std::vector<std::size_t>& columns, const std::string& file) {
    std::vector<std::string> found;
    std::vector<std::string> texts;
    std::vector<std::string> names;
    const auto what_is_in = [&](std::size_t i) {
        const ColumnContents& column = contents[i];
        return fmt::format("{} as {} and {} as {}", column.numbers, in_quotes(column.first_number),
                           column.texts, in_quotes(column.first_text));
    };
    for (const std::size_t i : std::span(columns).first(std::min(most_named, columns.size()))) {
        found.push_back(fmt::format("{}, {}", format.name_of_column(i), what_is_in(i)));
        texts.push_back(contents[i].first_text);
        names.push_back(format.short_name(i));
    }
    const std::size_t first = columns.front();
    const bool is_one = columns.size() == 1;
    const bool has_more = columns.size() > most_named;
    throw Error(
        ExitCode::input_data,
        fmt::format(
            "{}: {}, in the first rows; if {} that a value is missing, give {}; if each is a text "
            "of its own, {}; or leave the column{} out: {}",
            file,
            is_one ? fmt::format("{}: holds both numbers and texts: {}",
                                 format.name_of_column(first), what_is_in(first))
                   : fmt::format("{} columns hold both numbers and texts: {}{}", columns.size(),
                                 fmt::join(found, "; "), and_more(columns.size())),
            is_one ? "the text means" : "these texts mean",
            options_for_missing(format, texts, has_more), list_option_text("text", names, has_more),
            is_one ? "" : "s", list_option_text("drop", names, has_more)));
}

}  // namespace

std::string options_for_missing(const CsvFormat& format, std::span<const std::string> texts,
                                bool has_more) {
    std::vector<std::string> markers = format.missing_markers;
    for (const std::string& text : texts) {
        if (printable(text) != text || text == usual_markers_word) {
            has_more = true;
        } else if (std::ranges::find(markers, text) == markers.end()) {
            markers.push_back(text);
        }
    }
    markers = in_few_words(markers);
    return format.advice.option + (format.advice.option.empty() ? "" : " ") +
           (markers.empty() ? "--missing-markers TEXT"
                            : list_option_text("missing-markers", markers, has_more));
}

void check_text_columns(const CsvFormat& format, std::span<const ColumnContents> contents,
                        std::span<const Record> rows, const MissingMarkers& markers,
                        const CsvRequest& request, const std::string& file) {
    if (request.are_kinds_known || !request.advice.like.empty()) {
        return;  // columns are as they are there
    }
    std::vector<LookOfColumn> numbers;
    std::vector<std::size_t> mixed;
    for (std::size_t i = 0; i < contents.size(); ++i) {
        if (format.kinds[i] != ColumnKind::text || format.is_text_by_request[i]) {
            continue;
        }
        if (auto look = look_of_column(rows, i, markers)) {
            numbers.push_back({.column = i, .look = std::move(*look)});
        }
        if (contents[i].numbers > 0) {
            mixed.push_back(i);
        }
    }
    if (!numbers.empty()) {
        refuse_numbers(format, numbers, file);
    }
    if (!mixed.empty()) {
        refuse_mixed(format, contents, mixed, file);
    }
}

std::vector<OddField> odd_fields(const CsvFormat& format,
                                 std::span<const ColumnContents> contents) {
    std::vector<OddField> odd;
    for (std::size_t i = 0; i < contents.size(); ++i) {
        if (format.kinds[i] == ColumnKind::number && contents[i].texts > 0) {
            odd.push_back({.column = i, .text = contents[i].first_text});
        }
    }
    return odd;
}

std::string advice_on_odd_text(const CsvFormat& format, std::size_t column,
                               const std::string& text) {
    const std::string& like = format.advice.like;
    if (const auto look = look_of(std::array{text})) {
        return fmt::format(
            "{}; write plain numbers, without separators of thousands and signs of "
            "percent or currency, and with a point{}",
            look->in_words(), text_of_others(format, column));
    }
    return fmt::format(
        "{}, or, if it means that a value is missing: {}{}",
        like.empty()
            ? "leave the column out (--drop), take all of it as texts (--text)"
            : fmt::format("it is a column of numbers in {}, and so it is here; correct the field",
                          like),
        options_for_missing(format, std::array{text}), text_of_others(format, column));
}

}  // namespace paralogit::data
