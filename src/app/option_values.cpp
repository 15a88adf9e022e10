#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "paralogit/app/options.hpp"
#include "suggestions.hpp"

namespace paralogit::app {

namespace {

[[noreturn]] void bad_value(const std::string& name, const std::string& value,
                            const std::string& expected) {
    throw Error(ExitCode::usage,
                fmt::format("--{} {}: expected {}", name, value.empty() ? "''" : value, expected));
}

/// The whole text as a number; NaN and infinities are no numbers here.
template <class Number>
std::optional<Number> parse(std::string_view text) {
    if (text.starts_with('+')) {
        text.remove_prefix(1);
    }
    Number number{};
    const char* const end = text.data() + text.size();
    const auto [rest, status] = std::from_chars(text.data(), end, number);
    if (status != std::errc() || rest != end || text.empty()) {
        return std::nullopt;
    }
    if constexpr (std::is_floating_point_v<Number>) {
        if (!std::isfinite(number)) {
            return std::nullopt;
        }
    }
    return number;
}

bool is_in(const NumberRange& range, double number) {
    return (range.is_lowest_allowed ? number >= range.lowest : number > range.lowest) &&
           (range.is_highest_allowed ? number <= range.highest : number < range.highest);
}

std::optional<double> parse_in_range(std::string_view text, const NumberRange& range) {
    const auto number = parse<double>(text);
    return number && is_in(range, *number) ? number : std::nullopt;
}

std::string range_text(const NumberRange& range) {
    const std::string lower =
        fmt::format("{} {}", range.is_lowest_allowed ? ">=" : ">", range.lowest);
    return std::isinf(range.highest)
               ? "a finite number " + lower
               : fmt::format("a number {} and {} {}", lower, range.is_highest_allowed ? "<=" : "<",
                             range.highest);
}

/// H:MM:SS or MM:SS.
std::optional<double> parse_clock_time(std::string_view text) {
    constexpr int most_parts = 3;
    double seconds = 0;
    for (int part_number = 1; part_number <= most_parts; ++part_number) {
        const std::size_t colon = text.find(':');
        const auto part = parse<Index>(text.substr(0, colon));
        if (!part || *part < 0 || (part_number > 1 && *part > 59)) {
            return std::nullopt;
        }
        seconds = seconds * 60 + static_cast<double>(*part);
        if (colon == std::string_view::npos) {
            return seconds;
        }
        text.remove_prefix(colon + 1);
    }
    return std::nullopt;
}

/// Also what is too little or too much.
std::optional<double> parse_time(std::string_view text) {
    if (text.find(':') != std::string_view::npos) {
        return parse_clock_time(text);
    }
    double unit = 1;
    if (text.ends_with('s') || text.ends_with('m') || text.ends_with('h')) {
        unit = text.back() == 's' ? 1 : text.back() == 'm' ? 60 : 3600;
        text.remove_suffix(1);
    }
    const auto number = parse<double>(text);
    return number ? std::optional(*number * unit) : std::nullopt;
}

/// A number and a unit, to the byte.
std::optional<Index> parse_bytes(std::string_view text) {
    constexpr std::string_view units = "kMGT";
    int power = 0;
    if (!text.empty()) {
        const char last = text.back() == 'K' ? 'k' : text.back();
        const std::size_t unit = units.find(last);
        if (unit != std::string_view::npos) {
            power = 10 * (static_cast<int>(unit) + 1);
            text.remove_suffix(1);
        }
    }
    const auto number = parse<double>(text);
    const double bytes = std::floor(std::ldexp(number.value_or(0), power));
    return number && bytes >= 1 && bytes < 0x1p63 ? std::optional(static_cast<Index>(bytes))
                                                  : std::nullopt;
}

}  // namespace

std::string Options::choice(const std::string& name,
                            std::span<const std::string_view> choices) const {
    std::string value = text(name);
    if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
        bad_value(name, value,
                  fmt::format("one of {}{}", fmt::join(choices, ", "),
                              suggested_value(name, value, {choices.begin(), choices.end()})));
    }
    return value;
}

bool Options::yes_or_no(const std::string& name) const {
    const std::string value = text(name);
    for (const std::string_view yes : {"yes", "true", "on", "1"}) {
        if (value == yes) {
            return true;
        }
    }
    for (const std::string_view no : {"no", "false", "off", "0"}) {
        if (value == no) {
            return false;
        }
    }
    bad_value(name, value, "yes or no");
}

double Options::number(const std::string& name, const NumberRange& range,
                       const std::string& or_else) const {
    const std::string value = text(name);
    const auto number = parse_in_range(value, range);
    if (!number) {
        bad_value(name, value, or_else + range_text(range));
    }
    return *number;
}

std::optional<double> Options::number_after(const std::string& name, const std::string& prefix,
                                            const NumberRange& range) const {
    const std::string value = text(name);
    if (!value.starts_with(prefix)) {
        return std::nullopt;
    }
    std::optional<double> number =
        parse_in_range(std::string_view(value).substr(prefix.size()), range);
    if (!number) {
        bad_value(name, value, fmt::format("behind {} {}", prefix, range_text(range)));
    }
    return number;
}

std::pair<double, double> Options::two_numbers(const std::string& name, const NumberRange& range,
                                               const std::string& or_else) const {
    const std::string value = text(name);
    const std::size_t comma = value.find(',');
    if (comma != std::string::npos) {
        const auto first = parse_in_range(std::string_view(value).substr(0, comma), range);
        const auto second = parse_in_range(std::string_view(value).substr(comma + 1), range);
        if (first && second) {
            return {*first, *second};
        }
    }
    bad_value(name, value,
              fmt::format("{}two numbers with a comma between them, each {}", or_else,
                          range_text(range)));
}

Index Options::integer(const std::string& name, Index lowest, Index highest) const {
    const std::string value = text(name);
    const auto number = parse<Index>(value);
    if (!number || *number < lowest || *number > highest) {
        bad_value(name, value,
                  highest == std::numeric_limits<Index>::max()
                      ? fmt::format("an integer >= {} and < 2^63", lowest)
                      : fmt::format("an integer from {} to {}", lowest, highest));
    }
    return *number;
}

Index Options::bytes(const std::string& name) const {
    const std::string value = text(name);
    const auto bytes = parse_bytes(value);
    if (!bytes) {
        bad_value(name, value, "a size > 0 such as 1000000000, 500M, 1.5G or 1T");
    }
    return *bytes;
}

std::optional<double> Options::seconds_from(std::string_view text) {
    const std::optional<double> seconds = parse_time(text);
    return seconds && *seconds > 0 && !std::isinf(*seconds) ? seconds : std::nullopt;
}

std::optional<double> Options::seconds(const std::string& name, const std::string& or_else) const {
    if (!has(name)) {
        return std::nullopt;
    }
    const std::string value = text(name);
    const std::optional<double> seconds = seconds_from(value);
    if (!seconds) {
        bad_value(name, value, "a time > 0 such as 90, 90s, 15m, 2h or 1:30:00" + or_else);
    }
    return seconds;
}

}  // namespace paralogit::app
