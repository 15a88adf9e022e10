#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "paralogit/data/import/text_input.hpp"

namespace paralogit::data {

/// A field of a record, as far as it is read.
struct Field {
    /// Without the blanks and quotes around it; until the next one is read.
    std::string_view text;
    const char* end = nullptr;  ///< where the next field, or the next record, begins
    bool ends_record = false;
};

/// For messages: "','", "blanks".
std::string name_of_separator(char separator);

/// The fields of a CSV text (RFC 4180, with any separator, any line ends, and blanks around
/// fields). The text is empty or ends in CR or LF.
class FieldReader {
  public:
    /// A separator ' ' stands for one or more spaces or tabs.
    FieldReader(const char* begin, const char* end, char separator);

    /// Past the mark of UTF-8 that some programs put at the beginning of a file.
    const char* skip_mark(const char* p) const;
    /// From there past the lines that begin with '#' at the top of a file, which numpy.savetxt and
    /// others write: comments, but for the last one where it has a name for each field of the line
    /// below; of that only past the '#'. Where nothing is below, as in the first chunk of a file
    /// whose names take more than that, the last one is taken for the names when it has `names`.
    const char* skip_comments(const char* p, std::span<const std::string> names = {});
    /// Whether there are no lines but such that begin with '#' and are free text: one field, where
    /// records have `fields`. More may be names of other columns.
    bool has_comments_alone(const char* p, std::size_t fields);
    /// Whether these are all fields from here to the end of the record.
    bool has_fields(const char* p, std::span<const std::string> expected);
    /// Past lines that hold nothing but blanks.
    const char* skip_empty_lines(const char* p) const;
    const char* skip_blanks(const char* p) const {
        while (kind_of(*p) == Kind::blank) {
            ++p;
        }
        return p;
    }

    /// From behind a value to where the next field or record begins; nullptr when something else
    /// follows in the field.
    const char* pass_end(const char* p, bool& ends_record) const {
        p = skip_blanks(p);
        const Kind kind = kind_of(*p);
        if (kind == Kind::separator) {
            ++p;
            return separator_ == ' ' ? pass_blank_separator(p, ends_record) : p;
        }
        if (kind == Kind::line_end) {
            ends_record = true;
            return p + 1;
        }
        return nullptr;
    }

    /// Throws BadText, whose offset counts from the beginning of the text.
    Field read(const char* p);
    /// How many fields there are from here to the end of the record. Throws BadText.
    std::size_t count(const char* p);

  private:
    enum class Kind : unsigned char { other, blank, separator, line_end };
    Kind kind_of(char c) const { return kinds_[static_cast<unsigned char>(c)]; }
    const char* pass_blank_separator(const char* p, bool& ends_record) const;
    Field read_quoted(const char* p);
    /// Whether no field from here to the end of the record is a number.
    bool are_names(const char* p);

    const char* begin_;
    const char* end_;
    char separator_;
    std::array<Kind, 256> kinds_{};
    std::string unquoted_;
};

}  // namespace paralogit::data
