#include "paralogit/base/command_text.hpp"

#include <fmt/format.h>

namespace paralogit {

namespace {

/// As a list on the command line has it.
std::string list_item(const std::string& value) {
    constexpr std::string_view blanks = " \t";
    const bool is_plain = !value.empty() && value.find_first_of(",\"") == std::string::npos &&
                          blanks.find(value.front()) == std::string_view::npos &&
                          blanks.find(value.back()) == std::string_view::npos;
    if (is_plain) {
        return value;
    }
    std::string item = "\"";
    for (const char c : value) {
        item += c == '"' ? "\"\"" : std::string(1, c);
    }
    return item + '"';
}

}  // namespace

std::string shell_word(std::string_view text) {
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+,:@%=";
    if (!text.empty() && text.find_first_not_of(plain) == std::string_view::npos) {
        return std::string(text);
    }
    std::string quoted = "'";
    for (const char c : text) {
        quoted += c == '\'' ? R"('\'')" : std::string(1, c);
    }
    return quoted + "'";
}

std::string python_text(std::string_view text) {
    std::string literal = "'";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            literal += fmt::format("\\x{:02x}", byte);
        } else {
            literal += c == '\'' || c == '\\' ? std::string{'\\', c} : std::string(1, c);
        }
    }
    return literal + "'";
}

std::string option_text(std::string_view name, std::string_view value) {
    return fmt::format("--{}{}{}", name, value.starts_with('-') ? '=' : ' ', shell_word(value));
}

std::string list_option_text(std::string_view name, std::span<const std::string> values,
                             bool has_more) {
    std::string list;
    for (const std::string& value : values) {
        list += (list.empty() ? "" : ",") + list_item(value);
    }
    return option_text(name, has_more ? list + ",..." : list);
}

}  // namespace paralogit
