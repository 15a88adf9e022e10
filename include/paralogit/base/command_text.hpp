#pragma once

#include <span>
#include <string>
#include <string_view>

namespace paralogit {

// Pieces of commands that a message tells the user to type: what they hold may come from anywhere,
// and pasted into a POSIX shell they must reach the program as they are.

/// A word: in single quotes where a shell would take it for something else.
std::string shell_word(std::string_view text);

/// A text as Python writes it, for lines of Python.
std::string python_text(std::string_view text);

/// "--name value", with the value as a shell word; "--name=value" where a dash begins the value.
std::string option_text(std::string_view name, std::string_view value);

/// The same of an option that takes a list with commas between the values. A value that would not
/// come back from it as it is has double quotes around it. "..." stands at the end of a list that
/// `has_more` values than are shown.
std::string list_option_text(std::string_view name, std::span<const std::string> values,
                             bool has_more = false);

}  // namespace paralogit
