#include "paralogit/data/import/libsvm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "../text.hpp"
#include "decimal.hpp"
#include "paralogit/data/import/text_input.hpp"

namespace paralogit::data {

namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

bool ends_line(char c) {
    return c == '\n' || c == '\r';
}

/// What may stand behind a number.
bool ends_word(char c) {
    return is_blank(c) || ends_line(c) || c == '#';
}

/// Some programs put it at the beginning of a file.
constexpr std::string_view utf8_mark = "\xef\xbb\xbf";

class LibsvmParser {
  public:
    LibsvmParser(std::string_view text, const LibsvmOptions& options)
        : begin_(text.data()),
          end_(begin_ + text.size()),
          lowest_allowed_(options.index_base.value_or(0)) {
        // An entry takes four characters at least, "1:1 ". What is not touched costs nothing.
        const std::size_t most_entries = text.size() / 4 + 1;
        indices_ = std::make_unique_for_overwrite<std::uint32_t[]>(most_entries);
        values_ = std::make_unique_for_overwrite<double[]>(most_entries);
    }

    ParsedChunk parse(bool is_first_of_file) {
        const std::string_view text(begin_, static_cast<std::size_t>(end_ - begin_));
        const char* p =
            begin_ + (is_first_of_file && text.starts_with(utf8_mark) ? utf8_mark.size() : 0);
        while (p < end_) {
            if (is_blank(*p) || ends_line(*p)) {
                ++p;
            } else if (*p == '#') {
                p = line_end(p);
            } else {
                p = parse_row(p);
            }
        }
        chunk_.indices.assign(indices_.get(), indices_.get() + entries_);
        chunk_.values.assign(values_.get(), values_.get() + entries_);
        return std::move(chunk_);
    }

  private:
    [[noreturn]] void fail(const char* p, const std::string& what) const {
        throw BadText(p - begin_, what);
    }

    static const char* line_end(const char* p) {
        while (!ends_line(*p)) {
            ++p;
        }
        return p;
    }

    /// The characters from p to the next blank, for a message.
    static std::string word(const char* p) {
        const char* end = p;
        while (!is_blank(*end) && !ends_line(*end)) {
            ++end;
        }
        return in_quotes({p, static_cast<std::size_t>(end - p)});
    }

    const char* parse_row(const char* p) {
        double label = 0;
        const char* const after_label = read_decimal(p, label);
        if (after_label == nullptr || !ends_word(*after_label)) {
            fail_label(p);
        }
        if (!std::isfinite(label)) {
            fail(p, fmt::format("the label {} is beyond the range of double precision", word(p)));
        }
        const std::string_view text(p, static_cast<std::size_t>(after_label - p));
        if (std::fabs(label) >= first_gap && is_other_integer(text, label)) {
            fail(p, fmt::format("the label {} is an integer beyond 2^53, which cannot be told "
                                "apart from its neighbours; write the classes as 0 and 1",
                                word(p)));
        }
        p = parse_entries(parse_query_id(after_label));
        chunk_.labels.push_back(label);
        chunk_.row_ends.push_back(static_cast<Index>(entries_));
        ++chunk_.rows;
        return p;
    }

    [[noreturn]] void fail_label(const char* p) const {
        const std::string found = word(p);
        fail(p, found.find(':') == std::string::npos
                    ? fmt::format("expected a label that is a number, found {}; write the classes "
                                  "as 0 and 1",
                                  found)
                    : fmt::format("expected a label, found {}; every line begins with one: put a 0 "
                                  "before the first index",
                                  found));
    }

    const char* parse_query_id(const char* p) {
        const char* word_begin = p;
        while (is_blank(*word_begin)) {
            ++word_begin;
        }
        constexpr std::string_view mark = "qid:";
        const bool has_id = static_cast<std::size_t>(end_ - word_begin) > mark.size() &&
                            std::string_view(word_begin, mark.size()) == mark;
        if (has_id != (rows_have_ids_ == Ids::yes) && rows_have_ids_ != Ids::unknown) {
            fail(word_begin, has_id ? "this line has a qid, and the lines before it have none; "
                                      "give every line one, or none"
                                    : "this line has no qid, and the lines before it have one; "
                                      "give every line one, or none");
        }
        rows_have_ids_ = has_id ? Ids::yes : Ids::no;
        if (!has_id) {
            return p;
        }
        p = word_begin + mark.size();
        std::uint64_t id = 0;
        const char* const after = read_integer(p, id);
        if (after == nullptr || !ends_word(*after) || id > largest_id) {
            fail(p, fmt::format("expected a qid from 0 to 2^63 - 1, found {}", word(p)));
        }
        chunk_.query_ids.push_back(static_cast<std::int64_t>(id));
        return after;
    }

    /// nullptr when there is no digit or the integer needs more than 64 bits.
    static const char* read_integer(const char* p, std::uint64_t& integer) {
        const char* const begin = p;
        std::uint64_t value = 0;
        while (is_digit(*p)) {
            value = value * 10 + static_cast<std::uint64_t>(*p++ - '0');
        }
        // 19 digits always fit.
        if (p == begin || (p - begin > 19 && !reads_back(begin, p, value))) {
            return nullptr;
        }
        integer = value;
        return p;
    }
    static bool reads_back(const char* begin, const char* end, std::uint64_t value) {
        while (begin < end && *begin == '0') {
            ++begin;
        }
        return fmt::format("{}", value) ==
               std::string_view(begin, static_cast<std::size_t>(end - begin));
    }

    const char* parse_entries(const char* p) {
        std::uint64_t lowest_next = lowest_allowed_;
        while (true) {
            while (is_blank(*p)) {
                ++p;
            }
            if (!is_digit(*p)) {
                if (ends_line(*p)) {
                    return p + 1;
                }
                if (*p == '#') {
                    return line_end(p);
                }
                fail_entry(p);
            }
            std::uint64_t index = 0;
            const char* const colon = read_integer(p, index);
            if (colon == nullptr || *colon != ':') {
                fail_entry(p);
            }
            double value = 0;
            const char* const after = read_decimal(colon + 1, value);
            if (after == nullptr || !ends_word(*after)) {
                fail_value(colon + 1);
            }
            if (!(std::fabs(value) < first_gap)) {
                note_large(colon + 1, after, value);
            }
            if (index < lowest_next || index > largest_index) {
                fail_index(p, index, lowest_next);
            }
            note_index(index);
            lowest_next = index + 1;
            if (value != 0) {
                push(index, value);
            }
            p = after;
        }
    }

    void note_large(const char* p, const char* end, double value) {
        if (!std::isfinite(value)) {
            fail(p, fmt::format("the value {} is beyond the range of double precision", word(p)));
        }
        const std::string_view text(p, static_cast<std::size_t>(end - p));
        chunk_.rounded_integers += is_other_integer(text, value) ? 1 : 0;
    }

    void note_index(std::uint64_t index) {
        chunk_.lowest_index = std::min(chunk_.lowest_index, index);
        chunk_.highest_index = std::max(chunk_.highest_index, index);
    }

    void push(std::uint64_t index, double value) {
        if (index >> 32U != 0 || !chunk_.upper_halves.empty()) {
            chunk_.upper_halves.resize(entries_ + 1);
            chunk_.upper_halves[entries_] = static_cast<std::uint32_t>(index >> 32U);
        }
        indices_[entries_] = static_cast<std::uint32_t>(index);
        values_[entries_] = value;
        ++entries_;
    }

    [[noreturn]] void fail_entry(const char* p) const {
        fail(p, fmt::format("expected index:value with an index that is a whole number, found {}",
                            word(p)));
    }
    [[noreturn]] void fail_value(const char* p) const {
        fail(p, fmt::format("expected a number behind the colon, found {}; features must be finite "
                            "decimal numbers",
                            ends_word(*p) ? "nothing" : word(p)));
    }
    [[noreturn]] void fail_index(const char* p, std::uint64_t index,
                                 std::uint64_t lowest_next) const {
        if (index > largest_index) {
            fail(p, fmt::format("the index {} is too large; 2^63 - 2 is the limit", index));
        }
        if (lowest_next == lowest_allowed_) {
            fail(p, fmt::format("the index {} is below the base {}; give --index-base 0", index,
                                lowest_allowed_));
        }
        fail(p, fmt::format("the index {} follows {}; the indices of a line must rise, each once",
                            index, lowest_next - 1));
    }

    enum class Ids { unknown, no, yes };
    static constexpr std::uint64_t largest_id = std::numeric_limits<std::int64_t>::max();
    static constexpr std::uint64_t largest_index = largest_id - 1;

    const char* begin_;
    const char* end_;
    std::uint64_t lowest_allowed_;
    Ids rows_have_ids_ = Ids::unknown;
    std::unique_ptr<std::uint32_t[]> indices_;
    std::unique_ptr<double[]> values_;
    std::size_t entries_ = 0;
    ParsedChunk chunk_;
};

}  // namespace

bool looks_like_libsvm(std::string_view head, std::string_view name) {
    if (head.starts_with(utf8_mark)) {
        head.remove_prefix(utf8_mark.size());
    }
    while (!head.empty()) {
        const std::string_view line = head.substr(0, head.find_first_of("\r\n"));
        head.remove_prefix(std::min(line.size() + 1, head.size()));
        const std::size_t label = line.find_first_not_of(" \t");
        if (label == std::string_view::npos || line[label] == '#') {
            continue;
        }
        const std::size_t blank = line.find_first_of(" \t", label);
        const std::size_t second = line.find_first_not_of(" \t", blank);
        if (blank == std::string_view::npos || second == std::string_view::npos) {
            continue;
        }
        const std::string_view word =
            line.substr(second, line.find_first_of(" \t", second) - second);
        const std::size_t after_index = word.find_first_not_of("0123456789");
        // Times of the day, in a table, have a colon too.
        const std::string_view begin = line.substr(label, second - label + word.size());
        return word.starts_with("qid:") || word.starts_with("#") ||
               (after_index != 0 && after_index != std::string_view::npos &&
                word[after_index] == ':' && std::ranges::count(begin, ':') == 1 &&
                begin.find_first_of(",;|") == std::string_view::npos);
    }
    for (const std::string_view ending : {".gz", ".zst"}) {
        if (name.ends_with(ending)) {
            name.remove_suffix(ending.size());
        }
    }
    return name.ends_with(".svm") || name.ends_with(".libsvm") || name.ends_with(".svmlight");
}

ParsedChunk parse_libsvm(std::string_view text, const LibsvmOptions& options,
                         bool is_first_of_file) {
    return LibsvmParser(text, options).parse(is_first_of_file);
}

}  // namespace paralogit::data
