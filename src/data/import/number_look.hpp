#pragma once

#include <optional>
#include <span>
#include <string>

namespace paralogit::data {

/// Texts that are numbers but for the way in which they are written: "1,234.50", "1.234,5",
/// "1'234", "5 %", "$5", "(100)", "100-".
struct NumberLook {
    std::string text;   ///< the first of them that is no plain number
    std::string plain;  ///< the number as it would be plain: "1234.50"
    /// The same, where it may as well be another one: "1,234" is 1234 or 1.234; else empty.
    std::string other;

    /// Whether it is plain but for a decimal comma.
    bool has_decimal_comma() const;
    /// "'5%' looks like the number 5"
    std::string in_words() const;
};

/// Empty when some of the texts does not look so, when all are plain, or when they may be codes: of
/// one length, in groups of digits with blanks or points between them, as postal codes have them.
std::optional<NumberLook> look_of(std::span<const std::string> texts);

}  // namespace paralogit::data
