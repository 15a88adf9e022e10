#include "csv_fields.hpp"

#include <fmt/format.h>

#include "missing_markers.hpp"

namespace paralogit::data {

std::string name_of_separator(char separator) {
    return separator == ' '    ? "blanks"
           : separator == '\t' ? "tabs"
                               : fmt::format("'{}'", separator);
}

FieldReader::FieldReader(const char* begin, const char* end, char separator)
    : begin_(begin), end_(end), separator_(separator) {
    const auto set = [&](char c, Kind kind) { kinds_[static_cast<unsigned char>(c)] = kind; };
    const Kind blank = separator == ' ' ? Kind::separator : Kind::blank;
    set(' ', blank);
    set('\t', blank);
    set(separator, Kind::separator);
    set('\n', Kind::line_end);
    set('\r', Kind::line_end);
}

const char* FieldReader::skip_mark(const char* p) const {
    constexpr std::string_view mark = "\xef\xbb\xbf";
    return std::string_view(p, static_cast<std::size_t>(end_ - p)).starts_with(mark)
               ? p + mark.size()
               : p;
}

const char* FieldReader::skip_comments(const char* p, std::span<const std::string> names) {
    const char* last = nullptr;  // of the lines that begin so
    const char* below = skip_empty_lines(p);
    while (below < end_ && *below == '#') {
        last = below;
        while (below < end_ && kind_of(*below) != Kind::line_end) {
            ++below;
        }
        below = skip_empty_lines(below);
    }
    if (last == nullptr) {
        return p;
    }
    const char* line = last + 1;
    while (*line == ' ') {
        ++line;
    }
    if (below == end_) {
        return !names.empty() && has_fields(line, names) ? line : p;
    }
    if (kind_of(*line) == Kind::line_end) {
        return below;
    }
    try {
        const std::size_t fields = count(below);
        if (count(line) == fields) {
            return are_names(line) ? line : p;
        }
        // A row of texts may begin so.
        return count(last) == fields ? p : below;
    } catch (const BadText&) {
        return below;  // free text; what is wrong below is told when that is read
    }
}

bool FieldReader::has_comments_alone(const char* p, std::size_t fields) {
    for (p = skip_empty_lines(p); p < end_; p = skip_empty_lines(p)) {
        try {
            const std::size_t found = *p == '#' ? count(p) : fields;
            if (found == fields || found > 1) {
                return false;
            }
        } catch (const BadText&) {
            // Free text.
        }
        while (kind_of(*p) != Kind::line_end) {
            ++p;
        }
    }
    return true;
}

bool FieldReader::has_fields(const char* p, std::span<const std::string> expected) {
    try {
        for (std::size_t i = 0; i < expected.size(); ++i) {
            const Field field = read(p);
            if (field.text != expected[i] || field.ends_record != (i + 1 == expected.size())) {
                return false;
            }
            p = field.end;
        }
        return true;
    } catch (const BadText&) {
        return false;
    }
}

bool FieldReader::are_names(const char* p) {
    for (bool ends_record = false; !ends_record;) {
        const Field field = read(p);
        double ignored = 0;
        if (spells_number(std::string(field.text), ignored)) {
            return false;
        }
        p = field.end;
        ends_record = field.ends_record;
    }
    return true;
}

const char* FieldReader::skip_empty_lines(const char* p) const {
    const char* line = p;
    while (p < end_) {
        const bool is_line_end = kind_of(*p) == Kind::line_end;
        const bool is_passed = is_line_end || *p == ' ' || (*p == '\t' && separator_ != '\t');
        if (!is_passed) {
            // Blanks before the first field separate nothing.
            return separator_ == ' ' ? p : line;
        }
        ++p;
        if (is_line_end) {
            line = p;
        }
    }
    return p;
}

const char* FieldReader::pass_blank_separator(const char* p, bool& ends_record) const {
    while (kind_of(*p) == Kind::separator) {
        ++p;
    }
    if (kind_of(*p) == Kind::line_end) {
        ends_record = true;
        return p + 1;
    }
    return p;
}

Field FieldReader::read(const char* p) {
    p = skip_blanks(p);
    if (*p == '"') {
        return read_quoted(p);
    }
    const char* const first = p;
    const char* last = p;  // behind the last character that is no blank
    for (Kind kind = kind_of(*p); kind == Kind::other || kind == Kind::blank; kind = kind_of(*p)) {
        if (*p == '"') {
            throw BadText(p - begin_,
                          "there is a quote within a field that does not begin with one; put the "
                          "field into quotes and write \"\" for the quote");
        }
        ++p;
        if (kind == Kind::other) {
            last = p;
        }
    }
    Field field;
    field.text = {first, static_cast<std::size_t>(last - first)};
    field.end = pass_end(p, field.ends_record);
    return field;
}

Field FieldReader::read_quoted(const char* p) {
    const char* const quote = p++;
    unquoted_.clear();
    bool is_copied = false;
    const char* first = p;
    while (true) {
        while (p < end_ && *p != '"') {
            ++p;
        }
        if (p == end_) {
            throw BadText(quote - begin_, "the quote that is opened here is never closed");
        }
        if (p + 1 == end_ || p[1] != '"') {
            break;
        }
        // Two of them stand for one.
        unquoted_.append(first, p + 1);
        is_copied = true;
        p += 2;
        first = p;
    }
    Field field;
    if (is_copied) {
        unquoted_.append(first, p);
        field.text = unquoted_;
    } else {
        field.text = {first, static_cast<std::size_t>(p - first)};
    }
    field.end = pass_end(p + 1, field.ends_record);
    if (field.end == nullptr) {
        throw BadText(p + 1 - begin_,
                      fmt::format("expected {} or the end of the line behind the closing quote; "
                                  "write \"\" for a quote within quotes",
                                  name_of_separator(separator_)));
    }
    return field;
}

std::size_t FieldReader::count(const char* p) {
    std::size_t fields = 0;
    for (bool ends_record = false; !ends_record && p != nullptr && p < end_; ++fields) {
        const Field field = read(p);
        p = field.end;
        ends_record = field.ends_record;
    }
    return fields;
}

}  // namespace paralogit::data
