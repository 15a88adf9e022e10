#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "paralogit/base/types.hpp"

namespace paralogit::data {

/// Text of unknown origin, fit for a terminal: control characters as \xNN, cut after 60 bytes at
/// the border of a character.
std::string printable(std::string_view text);

/// Whether the bytes are characters in UTF-8, as RFC 3629 has it.
bool is_utf8(std::string_view text);

/// printable() in single quotes.
std::string in_quotes(std::string_view text);

/// "3.1 KiB"
std::string readable_bytes(Index bytes);

/// The shortest text that reads back as the same number; "0" for the negative zero.
std::string shortest(double value);

/// The finite number that the whole text spells, spaces around it and a leading + aside.
std::optional<double> parse_number(std::string_view text);

/// 0 or 1, where the text spells one of them, as a number or as true or false in any case.
std::optional<double> parse_zero_or_one(std::string_view text);

}  // namespace paralogit::data
