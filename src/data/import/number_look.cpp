#include "number_look.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "../text.hpp"
#include "decimal.hpp"
#include "missing_markers.hpp"

namespace paralogit::data {

namespace {

/// How a country writes numbers.
struct Style {
    char thousands;
    char decimal;
};

constexpr std::array<Style, 6> styles{
    {{',', '.'}, {'.', ','}, {'\'', '.'}, {'\'', ','}, {' ', '.'}, {' ', ','}}};

/// What is written in more than one byte, and what stands for it here.
constexpr std::pair<std::string_view, std::string_view> replaced[] = {
    {"\xc2\xa0", " "},      // no-break space
    {"\xe2\x80\xaf", " "},  // narrow no-break space
    {"\xe2\x80\x99", "'"},  // right single quotation mark
    {"\xe2\x88\x92", "-"},  // minus sign
    {"\xe2\x82\xac", "$"},  // the other currencies
    {"\xc2\xa3", "$"},     {"\xc2\xa5", "$"}, {"\xe2\x82\xb9", "$"}};

/// A text without the signs around its digits.
struct Peeled {
    std::string digits;  ///< and what separates them
    bool is_negative = false;
    bool has_plus = false;
};

bool take_front(std::string_view& text, char c) {
    const bool is_there = text.size() > 1 && text.starts_with(c);
    text.remove_prefix(is_there ? 1 : 0);
    return is_there;
}

bool take_back(std::string_view& text, char c) {
    const bool is_there = text.size() > 1 && text.ends_with(c);
    text.remove_suffix(is_there ? 1 : 0);
    return is_there;
}

Peeled peel(std::string text) {
    for (const auto& [from, to] : replaced) {
        for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from)) {
            text.replace(at, from.size(), to);
        }
    }
    Peeled peeled;
    std::string_view rest = text;
    bool has_mark = false;
    for (bool goes_on = true; goes_on;) {
        goes_on = take_front(rest, ' ') || take_back(rest, ' ');
        if (!peeled.is_negative && !peeled.has_plus) {
            peeled.has_plus = take_front(rest, '+');
            peeled.is_negative =
                !peeled.has_plus &&
                (take_front(rest, '-') || take_back(rest, '-') ||
                 (rest.ends_with(')') && take_front(rest, '(') && take_back(rest, ')')));
            goes_on = goes_on || peeled.has_plus || peeled.is_negative;
        }
        if (!has_mark) {
            has_mark = take_front(rest, '$') || take_back(rest, '$') || take_back(rest, '%');
            goes_on = goes_on || has_mark;
        }
    }
    peeled.digits = rest;
    return peeled;
}

bool are_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, is_digit);
}

/// "1,234.50" as 1234.50 where thousands are separated by commas; empty when the text is of another
/// style.
std::string plain_form(const Peeled& text, Style style) {
    constexpr std::size_t group_digits = 3;
    std::string_view whole = text.digits;
    std::string_view fraction;
    if (const std::size_t point = whole.find(style.decimal); point != std::string_view::npos) {
        fraction = whole.substr(point + 1);
        whole = whole.substr(0, point);
        if (!are_digits(fraction)) {
            return {};
        }
    }
    std::string plain = text.is_negative ? "-" : "";
    std::size_t groups = 0;
    for (std::string_view rest = whole; ++groups > 0;) {
        const std::size_t end = rest.find(style.thousands);
        const std::string_view group = rest.substr(0, end);
        const bool is_last = end == std::string_view::npos;
        const bool has_length =
            groups > 1 ? group.size() == group_digits
                       : is_last || (group.size() <= group_digits && !group.starts_with('0'));
        if (!are_digits(group) || !has_length) {
            return {};
        }
        plain += group;
        if (is_last) {
            break;
        }
        rest.remove_prefix(end + 1);
    }
    // With blanks that is a telephone number.
    if (groups > 1 && style.thousands == ' ' && text.has_plus) {
        return {};
    }
    return fraction.empty() ? plain : plain + '.' + std::string(fraction);
}

/// As "12 345" and "123 456", all of one length. A first group of one digit is none of a code.
bool may_be_codes(std::span<const std::string> texts) {
    const std::string digits = "0123456789";
    return std::ranges::all_of(texts, [&](const std::string& text) {
        const std::size_t end = text.find_first_not_of(digits);
        return text.size() == texts.front().size() && end != std::string::npos && end > 1 &&
               (text[end] == ' ' || text[end] == '.') &&
               text.find_first_not_of(digits + text[end]) == std::string::npos;
    });
}

}  // namespace

bool NumberLook::has_decimal_comma() const {
    std::string with_point = text;
    std::ranges::replace(with_point, ',', '.');
    return with_point == plain && other.empty();
}

std::string NumberLook::in_words() const {
    if (has_decimal_comma()) {
        return fmt::format("{} is a number with a comma", in_quotes(text));
    }
    if (other.empty()) {
        return fmt::format("{} looks like the number {}", in_quotes(text), plain);
    }
    const std::string_view sign = text.find(',') != std::string::npos ? "comma" : "point";
    const bool is_shorter = plain.size() < other.size();
    return fmt::format(
        "{} is a number with a {} that may separate thousands ({}), for three digits stand behind "
        "it, or be a decimal {} ({})",
        in_quotes(text), sign, is_shorter ? plain : other, sign, is_shorter ? other : plain);
}

std::optional<NumberLook> look_of(std::span<const std::string> texts) {
    std::vector<Style> fitting(styles.begin(), styles.end());
    const std::string* first = nullptr;
    for (const std::string& text : texts) {
        double ignored = 0;
        if (spells_number(text, ignored)) {
            continue;
        }
        const Peeled peeled = peel(text);
        std::erase_if(fitting,
                      [&](const Style& style) { return plain_form(peeled, style).empty(); });
        if (fitting.empty()) {
            return std::nullopt;
        }
        first = first == nullptr ? &text : first;
    }
    if (first == nullptr || may_be_codes(texts)) {
        return std::nullopt;
    }
    const Peeled peeled = peel(*first);
    NumberLook look{.text = *first, .plain = plain_form(peeled, fitting.front()), .other = {}};
    for (const Style& style : fitting) {
        const std::string plain = plain_form(peeled, style);
        if (plain != look.plain) {
            look.other = plain;
        }
    }
    return look;
}

}  // namespace paralogit::data
