#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <map>

#include "../text.hpp"
#include "../usual_names.hpp"
#include "csv_contents.hpp"
#include "csv_fields.hpp"
#include "csv_mixed.hpp"
#include "missing_markers.hpp"
#include "paralogit/data/import/csv.hpp"

namespace paralogit::data {

namespace {

constexpr std::size_t records_for_separator = 100;
constexpr std::size_t records_for_kinds = 10'000;
constexpr std::size_t most_first_fields = 10;  // for messages

bool is_number(const std::string& text) {
    double ignored = 0;
    return spells_number(text, ignored);
}

/// How well the lines fall into fields.
struct Fit {
    double even_lines = 0;     ///< part of the lines that have the most common number of fields
    double number_fields = 0;  ///< part of the fields that are numbers or missing
    bool operator<(const Fit& other) const {
        return even_lines != other.even_lines ? even_lines < other.even_lines
                                              : number_fields < other.number_fields;
    }
};

Fit fit_of(std::span<const Record> records, const MissingMarkers& markers) {
    std::map<std::size_t, std::size_t> lines_by_count;
    std::size_t fields = 0;
    std::size_t numbers = 0;
    for (const Record& record : records) {
        ++lines_by_count[record.size()];
        fields += record.size();
        numbers += static_cast<std::size_t>(std::ranges::count_if(record, [&](const auto& text) {
            return is_number(text) || markers.is_missing_text(text);
        }));
    }
    const auto common = std::ranges::max_element(
        lines_by_count, [](const auto& a, const auto& b) { return a.second < b.second; });
    if (records.empty() || common->first < 2) {
        return {};
    }
    return {static_cast<double>(common->second) / static_cast<double>(records.size()),
            static_cast<double>(numbers) / static_cast<double>(fields)};
}

char find_separator(std::string_view head, const CsvRequest& request, const MissingMarkers& markers,
                    const std::string& name) {
    if (request.separator) {
        return *request.separator;
    }
    Fit best;
    std::optional<char> found;
    for (const char candidate : {',', ';', '\t', '|', ' '}) {
        const Fit fit = fit_of(split_records(head, candidate, records_for_separator), markers);
        if (best < fit) {
            best = fit;
            found = candidate;
        }
    }
    if (!found) {
        throw Error(ExitCode::input_data,
                    name +
                        ": no separator splits its lines into fields; tried ',', ';', tabs, '|' "
                        "and blanks; give --separator, or --format libsvm");
    }
    return *found;
}

/// Finds columns by what users call them.
class Columns {
  public:
    /// Takes notes on what else a user may have meant.
    Columns(CsvFormat& format, std::size_t count, const std::string& file)
        : format_(format), count_(count), file_(file) {}

    std::size_t find(const std::string& option, const std::string& wanted) const {
        const auto& names = format_.names;
        const auto named = std::ranges::count(names, wanted);
        std::size_t number = 0;
        const char* const end = wanted.data() + wanted.size();
        const auto [rest, status] = std::from_chars(wanted.data(), end, number);
        const bool is_number =
            status == std::errc() && rest == end && number >= 1 && number <= count_;
        if (named == 1) {
            const auto found =
                static_cast<std::size_t>(std::ranges::find(names, wanted) - names.begin());
            if (is_number && number != found + 1) {
                format_.notes.push_back(fmt::format(
                    "{} {}: the name of column {} comes before the number of column {} ({})",
                    option, wanted, found + 1, number, in_quotes(names[number - 1])));
            }
            return found;
        }
        if (named > 1) {
            fail(fmt::format("{} {}: {} columns have this name; give a number", option,
                             printable(wanted), named));
        }
        if (wanted == "last") {
            return count_ - 1;
        }
        if (is_number) {
            return number - 1;
        }
        fail(fmt::format("{} {}: there is no such column; {}", option, printable(wanted), list()));
    }

    /// The column and the text of "column=text".
    std::pair<std::size_t, std::string> find_reference(const std::string& wanted) const {
        // Both may have a '=' of their own.
        std::vector<std::size_t> ends;
        for (std::size_t end = wanted.find('='); end != std::string::npos;
             end = wanted.find('=', end + 1)) {
            if (std::ranges::find(format_.names, wanted.substr(0, end)) != format_.names.end()) {
                ends.push_back(end);
            }
        }
        if (ends.size() > 1) {
            fail(fmt::format("--reference {}: could be the column {} or {}; give its number",
                             printable(wanted), in_quotes(wanted.substr(0, ends[0])),
                             in_quotes(wanted.substr(0, ends[1]))));
        }
        const std::size_t end = ends.empty() ? wanted.find('=') : ends.front();
        return {find("--reference", wanted.substr(0, end)), wanted.substr(end + 1)};
    }

    /// Empty: there is none.
    std::optional<std::size_t> find_label(const CsvRequest& request) const {
        if (request.label_column == no_label_column &&
            std::ranges::find(format_.names, no_label_column) == format_.names.end()) {
            return std::nullopt;
        }
        if (request.label_column) {
            return find("--label-column", *request.label_column);
        }
        std::vector<std::size_t> found;
        for (std::size_t i = 0; i < format_.names.size(); ++i) {
            if (is_among(names_of_labels, format_.names[i])) {
                found.push_back(i);
            }
        }
        if (found.size() != 1) {
            fail(fmt::format(
                "{} of the columns {} a usual name of labels; name the column of the "
                "labels: --label-column NAME, a number from 1, or last; for rows without "
                "labels --label-column none; {}",
                found.empty() ? "none" : std::to_string(found.size()),
                found.size() > 1 ? "have" : "has", list()));
        }
        return found.front();
    }

  private:
    [[noreturn]] void fail(const std::string& what) const {
        throw Error(ExitCode::input_data, file_ + ": " + what);
    }

    std::string list() const {
        constexpr std::size_t most = 60;
        if (format_.names.empty()) {
            return fmt::format("there are {} columns and no header", count_);
        }
        std::vector<std::string> names;
        for (const std::string& name : std::span(format_.names).first(std::min(most, count_))) {
            names.push_back(in_quotes(name));
        }
        return fmt::format("the {} columns are {}{}", count_, fmt::join(names, ", "),
                           count_ > most ? ", ..." : "");
    }

    CsvFormat& format_;
    std::size_t count_;
    const std::string& file_;
};

/// What the user says of the references of columns of texts.
void set_references(const Columns& columns, const CsvRequest& request, const std::string& file,
                    CsvFormat& format) {
    format.is_first_text_reference = request.is_first_text_reference;
    format.chosen_references.resize(format.kinds.size());
    for (const std::string& wanted : request.references) {
        auto [i, text] = columns.find_reference(wanted);
        const ColumnKind kind = format.kinds[i];
        const std::string name = format.name_of_column(i);
        const auto refuse = [&](const std::string& what) {
            throw Error(ExitCode::input_data, fmt::format("{}: --reference {}: {} {}", file,
                                                          printable(wanted), name, what));
        };
        const bool is_undecided = !format.is_undecided.empty() && format.is_undecided[i];
        if (kind == ColumnKind::number && !is_undecided) {
            refuse("holds numbers; to take them as texts, give " + format.option_on("text", i));
        }
        if (kind != ColumnKind::text && kind != ColumnKind::number) {
            refuse(kind == ColumnKind::dropped ? "is left out by --drop"
                                               : "is no feature, so it needs none");
        }
        if (format.chosen_references[i]) {
            refuse("has another one already");
        }
        format.chosen_references[i] = std::move(text);
    }
}

/// Features are found again by their names.
void check_names(const CsvFormat& format, const std::string& file) {
    std::map<std::string_view, std::size_t> columns;
    for (std::size_t i = 0; i < format.names.size(); ++i) {
        const std::string& name = format.names[i];
        const ColumnKind kind = format.kinds[i];
        if (kind != ColumnKind::number && kind != ColumnKind::text) {
            continue;
        }
        if (name.empty()) {
            throw Error(ExitCode::input_data,
                        fmt::format("{}: column {} has no name in the header, as a column of row "
                                    "numbers or a comma at the end of the lines have none; leave "
                                    "it out (--drop {}) or name it",
                                    file, i + 1, i + 1));
        }
        const auto [other, is_new] = columns.emplace(name, i);
        if (!is_new) {
            throw Error(ExitCode::input_data,
                        fmt::format("{}: columns {} and {} both have the name {} in the header; "
                                    "rename one or leave it out: --drop {}",
                                    file, other->second + 1, i + 1, in_quotes(name), i + 1));
        }
    }
}

/// Up to `most_records` from p on.
std::vector<Record> records_from(FieldReader& fields, const char* p, const char* end,
                                 std::size_t most_records) {
    std::vector<Record> records;
    try {
        while (p < end && records.size() < most_records) {
            Record record;
            for (bool ends_record = false; !ends_record;) {
                const Field field = fields.read(p);
                record.emplace_back(field.text);
                p = field.end;
                ends_record = field.ends_record;
            }
            records.push_back(std::move(record));
            p = fields.skip_empty_lines(p);
        }
    } catch (const BadText&) {
        // What comes before is enough to look at; the parser will tell what is wrong.
        return records;
    }
    return records;
}

/// Which columns are taken for numbers though no value of theirs is known; empty when none is.
std::vector<bool> undecided(const CsvFormat& format, std::span<const ColumnContents> contents) {
    std::vector<bool> columns(contents.size());
    for (std::size_t i = 0; i < contents.size(); ++i) {
        const ColumnKind kind = format.kinds[i];
        columns[i] = contents[i].is_empty() &&
                     (kind == ColumnKind::number || kind == ColumnKind::number_label);
    }
    return std::ranges::find(columns, true) == columns.end() ? std::vector<bool>() : columns;
}

}  // namespace

std::vector<std::vector<std::string>> split_records(std::string_view text, char separator,
                                                    std::size_t most_records) {
    // The reader wants whole lines.
    const std::size_t last_end = text.find_last_of("\r\n");
    text = text.substr(0, last_end == std::string_view::npos ? 0 : last_end + 1);
    const char* const end = text.data() + text.size();
    FieldReader fields(text.data(), end, separator);
    return records_from(
        fields, fields.skip_empty_lines(fields.skip_comments(fields.skip_mark(text.data()))), end,
        most_records);
}

CsvFormat detect_csv(std::string_view head, const CsvRequest& request, const std::string& name) {
    std::string ended(head);
    if (ended.find_first_of("\r\n") == std::string::npos) {
        ended += '\n';
    }
    const MissingMarkers markers(request.missing_markers);
    CsvFormat format;
    format.separator = find_separator(ended, request, markers, name);
    std::vector<Record> records = split_records(ended, format.separator, records_for_kinds);
    if (records.empty()) {
        throw Error(ExitCode::input_data,
                    name + ": there is no line in it that could be read; see --separator");
    }
    const Record& first = records.front();
    const std::size_t count = first.size();
    format.has_header = find_header(records, request, markers, name);
    format.first_fields.assign(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                                  count, most_first_fields)));
    if (format.has_header) {
        format.names = first;
    }
    format.missing_markers = request.missing_markers;
    format.is_missing_allowed = request.is_missing_allowed;
    format.advice = request.advice;

    const Columns columns(format, count, name);
    // A field too many moves those behind it; the parser will tell.
    std::erase_if(records, [&](const Record& record) { return record.size() != count; });
    const std::span rows = std::span(records).subspan(format.has_header ? 1 : 0);
    const std::vector<ColumnContents> contents = contents_of(rows, count, markers);
    for (const ColumnContents& column : contents) {
        format.kinds.push_back(column.is_of_numbers() ? ColumnKind::number : ColumnKind::text);
    }
    format.is_text_by_request.resize(count);
    for (const std::string& column : request.text_columns) {
        const std::size_t i = columns.find("--text", column);
        format.kinds[i] = ColumnKind::text;
        format.is_text_by_request[i] = true;
    }
    const std::optional<std::size_t> label = columns.find_label(request);
    if (label) {
        ColumnKind& kind = format.kinds[*label];
        kind = kind == ColumnKind::number ? ColumnKind::number_label : ColumnKind::text_label;
    }
    const auto refuse = [&](std::string_view option, const std::string& column,
                            std::string_view what) {
        throw Error(ExitCode::input_data, fmt::format("{}: {} {}: this is the column of the {}",
                                                      name, option, printable(column), what));
    };
    if (request.weight_column) {
        const std::size_t weights = columns.find("--weights", *request.weight_column);
        if (weights == label) {
            refuse("--weights", *request.weight_column, "labels");
        }
        if (format.is_text_by_request[weights]) {
            refuse("--text", *request.weight_column, "row weights");
        }
        format.kinds[weights] = ColumnKind::weight;
    }
    for (const std::string& column : request.dropped_columns) {
        const std::size_t dropped = columns.find("--drop", column);
        if (dropped == label || format.kinds[dropped] == ColumnKind::weight) {
            refuse("--drop", column, dropped == label ? "labels" : "row weights");
        }
        format.kinds[dropped] = ColumnKind::dropped;
    }
    check_text_columns(format, contents, rows, markers, request, name);
    format.odd_fields = odd_fields(format, contents);
    format.is_undecided = undecided(format, contents);
    set_references(columns, request, name, format);
    if (!request.are_kinds_known) {
        check_names(format, name);
    }
    return format;
}

bool decide_kinds(CsvFormat& format, std::string_view text, std::size_t column,
                  const CsvRequest& request, const std::string& name) {
    const MissingMarkers markers(format.missing_markers);
    const char* const end = text.data() + text.size();
    FieldReader fields(text.data(), end, format.separator);
    std::vector<Record> rows = records_from(fields, text.data(), end, records_for_kinds);
    const std::size_t count = format.kinds.size();
    std::erase_if(rows, [&](const Record& record) { return record.size() != count; });
    const std::vector<ColumnContents> contents = contents_of(rows, count, markers);
    if (contents[column].is_of_numbers()) {
        return false;  // its text is the mistake
    }
    for (std::size_t i = 0; i < count; ++i) {
        ColumnKind& kind = format.kinds[i];
        const bool is_label = kind == ColumnKind::number_label;
        // A label may have been a number before.
        if (!format.is_undecided[i] || contents[i].is_empty() || (is_label && i != column)) {
            continue;
        }
        format.is_undecided[i] = false;
        if (!contents[i].is_of_numbers()) {
            kind = is_label ? ColumnKind::text_label : ColumnKind::text;
        }
    }
    check_text_columns(format, contents, rows, markers, request, name);
    return true;
}

}  // namespace paralogit::data
