#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace paralogit::data {

std::string printable(std::string_view text) {
    constexpr std::size_t limit = 60;
    std::string result;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool continues_character = (byte & 0xC0U) == 0x80U;
        if (result.size() >= (continues_character ? limit + 3 : limit)) {
            return result + "...";
        }
        if (byte < 0x20 || byte == 0x7F) {
            result += fmt::format("\\x{:02x}", byte);
        } else {
            result += c;
        }
    }
    return result;
}

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto first = static_cast<unsigned char>(text[i++]);
        if (first < 0x80) {
            continue;
        }
        const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
        std::uint32_t code = first & (0x3FU >> static_cast<unsigned>(more));
        for (int k = 0; k < more; ++k) {
            const unsigned char next = i < text.size() ? static_cast<unsigned char>(text[i++]) : 0;
            if ((next & 0xC0U) != 0x80U) {
                return false;
            }
            code = code << 6U | (next & 0x3FU);
        }
        constexpr std::array<std::uint32_t, 4> smallest{0, 0x80, 0x800, 0x10000};
        const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
        if (first < 0xC0 || first > 0xF4 || code < smallest.at(static_cast<std::size_t>(more)) ||
            code > 0x10FFFF || is_surrogate) {
            return false;
        }
    }
    return true;
}

std::string in_quotes(std::string_view text) {
    return "'" + printable(text) + "'";
}

std::string readable_bytes(Index bytes) {
    constexpr std::array<std::string_view, 5> units{"KiB", "MiB", "GiB", "TiB", "PiB"};
    if (bytes < 1024) {
        return fmt::format("{} bytes", bytes);
    }
    double value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < units.size()) {
        value /= 1024;
        ++unit;
    }
    return fmt::format("{:.1f} {}", value, units.at(unit));
}

std::string shortest(double value) {
    return fmt::format("{}", value == 0 ? 0.0 : value);
}

std::optional<double> parse_number(std::string_view text) {
    constexpr std::string_view spaces = " \t\r\n";
    const std::size_t first = text.find_first_not_of(spaces);
    if (first == std::string_view::npos) {
        return std::nullopt;
    }
    text = text.substr(first, text.find_last_not_of(spaces) + 1 - first);
    if (text.size() > 1 && text[0] == '+' && text[1] != '-') {
        text.remove_prefix(1);
    }
    double value = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (status != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
        return std::nullopt;
    }
    return value;
}

std::optional<double> parse_zero_or_one(std::string_view text) {
    if (const auto number = parse_number(text)) {
        return *number == 0 || *number == 1 ? number : std::nullopt;
    }
    const auto spells = [&](std::string_view word) {
        return std::ranges::equal(text, word, [](char a, char b) {
            return std::tolower(static_cast<unsigned char>(a)) == b;
        });
    };
    if (spells("true")) {
        return 1;
    }
    return spells("false") ? std::optional<double>(0) : std::nullopt;
}

}  // namespace paralogit::data
