#include "paralogit/data/import/csv.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "../text.hpp"
#include "csv_fields.hpp"
#include "csv_mixed.hpp"
#include "decimal.hpp"
#include "missing_markers.hpp"
#include "paralogit/data/import/text_input.hpp"
#include "text_codes.hpp"

namespace paralogit::data {

namespace {

class CsvParser {
  public:
    CsvParser(std::string_view text, const CsvFormat& format)
        : begin_(text.data()),
          end_(begin_ + text.size()),
          format_(format),
          markers_(format.missing_markers),
          fields_(begin_, end_, format.separator),
          columns_(format.kinds.size()) {
        for (const ColumnKind kind : format.kinds) {
            numbers_ += static_cast<std::size_t>(kind == ColumnKind::number);
            texts_ += static_cast<std::size_t>(kind == ColumnKind::text);
        }
        dictionaries_.resize(texts_);
    }

    ParsedChunk parse(bool is_first_of_file) {
        const char* p = begin_;
        if (is_first_of_file) {
            p = fields_.skip_comments(fields_.skip_mark(p), format_.names);
            if (fields_.has_comments_alone(p, columns_)) {
                p = end_;
            } else if (format_.has_header) {
                p = check_header(p);
            }
        }
        // A row takes at least a separator or line end for each column. What is not touched
        // costs nothing.
        const auto most_rows = static_cast<std::size_t>(end_ - p) / columns_ + 1;
        values_ = std::make_unique_for_overwrite<double[]>(most_rows * numbers_);
        next_value_ = values_.get();
        try {
            for (p = fields_.skip_empty_lines(p); p < end_; p = fields_.skip_empty_lines(p)) {
                p = parse_record(p);
                ++chunk_.rows;
            }
        } catch (FirstText& first) {
            check_fields(p);
            first.record = p - begin_;
            throw;
        } catch (const BadText&) {
            check_fields(p);
            throw;
        }
        chunk_.values.assign(values_.get(), next_value_);
        chunk_.label_texts = label_dictionary_.take();
        for (TextCodes& dictionary : dictionaries_) {
            chunk_.texts.push_back(dictionary.take());
        }
        return std::move(chunk_);
    }

  private:
    [[noreturn]] void fail(const char* p, const std::string& what) const {
        throw BadText(p - begin_, what);
    }

    const char* check_header(const char* p) {
        p = fields_.skip_empty_lines(p);
        const char* const begin = p;
        for (std::size_t column = 0; p < end_; ++column) {
            const Field field = fields_.read(p);
            if (column < format_.names.size() && field.text != format_.names[column]) {
                fail(p, fmt::format("expected {} of the first file's header here, found {}; the "
                                    "files need the same columns",
                                    in_quotes(format_.names[column]), in_quotes(field.text)));
            }
            const bool is_feature =
                column < columns_ && (format_.kinds[column] == ColumnKind::number ||
                                      format_.kinds[column] == ColumnKind::text);
            if (is_feature && !is_utf8(field.text)) {
                fail_encoding(p, column);
            }
            p = field.end;
            if (field.ends_record) {
                check_count(begin, column + 1);
                return p;
            }
        }
        return p;
    }

    void check_count(const char* p, std::size_t found) const {
        if (found != columns_) {
            fail(p, fmt::format("the line has {} field{} and the first line has {}; separated by "
                                "{}; put quotes around a field that contains the separator",
                                found, found == 1 ? "" : "s", columns_,
                                name_of_separator(format_.separator)));
        }
    }

    /// Of a record that something is wrong with: a field too many is often told by those behind it,
    /// which lie in columns of another kind.
    void check_fields(const char* record) {
        const char* surplus = record;
        std::size_t found = 0;
        try {
            const char* p = record;
            for (bool ends_record = false; !ends_record;) {
                const Field field = fields_.read(p);
                p = field.end;
                ends_record = field.ends_record;
                if (++found == columns_) {
                    surplus = p;
                }
            }
        } catch (const BadText&) {
            return;  // no fields can be counted
        }
        check_count(found > columns_ ? surplus : record, found);
    }

    const char* parse_record(const char* p) {
        const char* const begin = p;
        for (std::size_t column = 0;; ++column) {
            const ColumnKind kind = format_.kinds[column];
            bool ends_record = false;
            const char* after = nullptr;
            if (kind == ColumnKind::number || kind == ColumnKind::number_label ||
                kind == ColumnKind::weight) {
                double value = 0;
                after = read_number(p, value, ends_record);
                if (after == nullptr) {
                    after = read_odd_number(p, column, value, ends_record);
                } else if (markers_.has_numbers() && markers_.is_missing_number(value)) {
                    const Field field = fields_.read(p);
                    take_missing_number(p, column, field.text, value);
                }
                if (kind == ColumnKind::number) {
                    *next_value_++ = value;
                } else if (kind == ColumnKind::number_label) {
                    chunk_.labels.push_back(value);
                } else {
                    take_weight(p, column, value);
                }
            } else {
                const Field field = fields_.read(p);
                after = field.end;
                ends_record = field.ends_record;
                take_text(p, column, field);
            }
            if (ends_record) {
                if (column + 1 != columns_) {
                    check_count(begin, column + 1);
                }
                return after;
            }
            p = after;
            if (column + 1 == columns_) {
                check_count(p, columns_ + fields_.count(p));
            }
        }
    }

    /// The common case: a plain number that fills its field, and not a very large one. nullptr for
    /// anything else.
    const char* read_number(const char* p, double& value, bool& ends_record) const {
        p = fields_.skip_blanks(p);
        const char* const after = read_decimal(p, value);
        if (after == nullptr || !(std::fabs(value) < first_gap)) {
            return nullptr;
        }
        return fields_.pass_end(after, ends_record);
    }

    const char* read_odd_number(const char* p, std::size_t column, double& value,
                                bool& ends_record) {
        const Field field = fields_.read(p);
        ends_record = field.ends_record;
        const char* const begin = fields_.skip_blanks(p);
        if (markers_.is_missing_text(field.text)) {
            take_missing_number(p, column, field.text, value);
            return field.end;
        }
        // Quoted perhaps; a copy ends in a character that no number has.
        number_ = field.text;
        number_ += '\n';
        const char* const after = read_decimal(number_.data(), value);
        if (after == nullptr || after != number_.data() + field.text.size()) {
            fail_number(begin, column, field.text);
        }
        if (!std::isfinite(value)) {
            fail(begin, fmt::format("{}: the value {} is beyond the range of double precision",
                                    format_.name_of_column(column), in_quotes(field.text)));
        }
        if (markers_.has_numbers() && markers_.is_missing_number(value)) {
            take_missing_number(p, column, field.text, value);
        } else if (std::fabs(value) >= first_gap && is_other_integer(field.text, value)) {
            if (format_.kinds[column] == ColumnKind::number_label) {
                fail(begin, fmt::format("{}: the label {} is an integer beyond 2^53, which cannot "
                                        "be told apart from its neighbours; take the labels as "
                                        "texts ({}) or use smaller numbers",
                                        format_.name_of_column(column), in_quotes(field.text),
                                        format_.option_on("text", column)));
            }
            ++chunk_.rounded_integers;
        }
        return field.end;
    }

    void fail_number(const char* p, std::size_t column, std::string_view text) const {
        const std::string what = fmt::format("{}: expected a finite decimal number, found {}; ",
                                             format_.name_of_column(column), in_quotes(text));
        const bool is_first = is_first_value(column);
        const auto refuse = [&](const std::string& advice) {
            if (is_first) {
                throw FirstText(p - begin_, what + advice, column);
            }
            fail(p, what + advice);
        };
        if (format_.kinds[column] == ColumnKind::number_label) {
            refuse(!format_.advice.like.empty()
                       ? fmt::format("the labels of {} are numbers; write them as there, or leave "
                                     "them out, for predict: --label-column none",
                                     format_.advice.like)
                   : is_first ? "labels behind it are numbers"
                              : "the labels before it are numbers");
        }
        if (format_.kinds[column] == ColumnKind::weight) {
            fail(p, what + "row weights are numbers that are at least 0");
        }
        refuse(advice_on_odd_text(format_, column, std::string(text)));
    }

    /// Of a column that nothing is known of, in the chunk.
    bool is_first_value(std::size_t column) const {
        if (format_.is_undecided.empty() || !format_.is_undecided[column]) {
            return false;
        }
        return !has_number(format_, column, {values_.get(), next_value_}, chunk_.labels);
    }

    void take_weight(const char* p, std::size_t column, double value) {
        if (value < 0) {
            fail(
                fields_.skip_blanks(p),
                fmt::format("{}: the row weight is {}; row weights must be at least 0; correct it, "
                            "or give the row the weight 0",
                            format_.name_of_column(column), shortest(value)));
        }
        chunk_.weights.push_back(value);
    }

    void take_missing_number(const char* p, std::size_t column, std::string_view text,
                             double& value) {
        note_missing(fields_.skip_blanks(p), column, text);
        ++chunk_.missing_values;
        value = std::nan("");
    }

    void note_missing(const char* p, std::size_t column, std::string_view text) const {
        const std::string found = text.empty() ? "nothing" : in_quotes(text);
        const ColumnKind kind = format_.kinds[column];
        if (kind == ColumnKind::number_label || kind == ColumnKind::text_label) {
            fail(p,
                 fmt::format("{}: the label is missing (found {}); remove the row or label it{}",
                             format_.name_of_column(column), found, advice_on_text(column, text)));
        }
        if (kind == ColumnKind::weight) {
            fail(p, fmt::format("{}: the row weight is missing (found {}); give the row one, 0 to "
                                "leave it out",
                                format_.name_of_column(column), found));
        }
        if (!format_.is_missing_allowed) {
            fail(p, fmt::format("{}: the value is missing (found {}); {}{}",
                                format_.name_of_column(column), found,
                                format_.advice.like.empty()
                                    ? "choose what stands in for missing values: --missing mean, "
                                      "median or a number"
                                    : format_.advice.like +
                                          " does not tell what stands in for missing "
                                          "values; convert its rows with --missing "
                                          "as well, or give --missing NUMBER",
                                advice_on_text(column, text)));
        }
    }

    /// Among texts, "none" may be a text like the others.
    std::string advice_on_text(std::size_t column, std::string_view text) const {
        const ColumnKind kind = format_.kinds[column];
        const bool is_text = kind == ColumnKind::text || kind == ColumnKind::text_label;
        return is_text && !text.empty() ? fmt::format(
                                              "; if {} is a text like the others, leave it out of "
                                              "--missing-markers",
                                              in_quotes(text))
                                        : "";
    }

    bool is_in_spite_of_markers(std::size_t column, std::string_view text) const {
        return !format_.texts_in_spite_of_markers.empty() &&
               std::ranges::binary_search(format_.texts_in_spite_of_markers[column], text);
    }

    /// Of a text that becomes part of names.
    void check_text(const char* p, std::size_t column, std::string_view text) const {
        if (text.find('\0') != std::string_view::npos) {
            fail(p, fmt::format("{}: the text contains the character NUL",
                                format_.name_of_column(column)));
        }
        if (!is_utf8(text)) {
            fail_encoding(p, column);
        }
    }

    void check_label(const char* p, std::size_t column, std::string_view text) const {
        check_text(p, column, text);
        const std::vector<std::string>& known = format_.known_labels;
        if (known.empty() || std::ranges::binary_search(known, text)) {
            return;
        }
        constexpr std::size_t most = 5;
        std::vector<std::string> shown;
        for (const std::string& label : std::span(known).first(std::min(most, known.size()))) {
            shown.push_back(in_quotes(label));
        }
        fail(p, fmt::format("{}: the label {} is none of {}, which has {}{}; write it as there, or "
                            "leave the labels out, for predict: --label-column none",
                            format_.name_of_column(column), in_quotes(text), format_.advice.like,
                            fmt::join(shown, ", "), known.size() > most ? ", ..." : ""));
    }

    [[noreturn]] void fail_encoding(const char* p, std::size_t column) const {
        // Names and texts of such a file are no good for a message.
        fail(p, fmt::format("column {}: the text is not UTF-8; if it is Latin-1, as many programs "
                            "write it, make the file UTF-8 first: iconv -f LATIN1 -t UTF-8",
                            column + 1));
    }

    void take_text(const char* p, std::size_t column, const Field& field) {
        const ColumnKind kind = format_.kinds[column];
        if (kind == ColumnKind::dropped) {
            return;
        }
        const bool has_none =
            markers_.is_missing_text(field.text) && !is_in_spite_of_markers(column, field.text);
        if (has_none) {
            note_missing(fields_.skip_blanks(p), column, field.text);
        }
        const auto check = [&] { check_text(p, column, field.text); };
        if (kind == ColumnKind::text_label) {
            chunk_.label_codes.push_back(
                label_dictionary_.code(field.text, [&] { check_label(p, column, field.text); }));
            return;
        }
        const std::size_t position = chunk_.codes.size() % texts_;
        chunk_.codes.push_back(has_none ? missing_text
                                        : dictionaries_[position].code(field.text, check));
    }

    const char* begin_;
    const char* end_;
    const CsvFormat& format_;
    MissingMarkers markers_;
    FieldReader fields_;
    std::size_t columns_;
    std::size_t numbers_ = 0;
    std::size_t texts_ = 0;
    std::unique_ptr<double[]> values_;
    double* next_value_ = nullptr;
    TextCodes label_dictionary_;
    std::vector<TextCodes> dictionaries_;
    std::string number_;
    ParsedChunk chunk_;
};

}  // namespace

bool has_first_record(std::string_view beginning, const CsvFormat& format) {
    const char* const end = beginning.data() + beginning.size();
    FieldReader fields(beginning.data(), end, format.separator);
    const char* const p = fields.skip_empty_lines(
        fields.skip_comments(fields.skip_mark(beginning.data()), format.names));
    if (p == end) {
        return !format.has_header;  // rows may begin anywhere
    }
    if (*p != '#') {
        return true;
    }
    // Names and texts may begin so, too.
    if (format.has_header) {
        return fields.has_fields(p, format.names);
    }
    try {
        return fields.count(p) == format.kinds.size();
    } catch (const BadText&) {
        return false;
    }
}

ParsedChunk parse_csv(std::string_view text, const CsvFormat& format, bool is_first_of_file) {
    return CsvParser(text, format).parse(is_first_of_file);
}

}  // namespace paralogit::data
