#pragma once

#include <optional>
#include <string>
#include <vector>

#include "paralogit/app/options.hpp"

namespace paralogit::app {

/// What a line of a config file says.
struct ConfigLine {
    Index number = 0;  ///< from 1
    const OptionSpec* option = nullptr;
    std::string value;  ///< without blanks at its ends, or quotes; of a flag "true" or "false"
};

/// The text of a config file. Of a pipe all that its writer writes; a signal ends the wait, and the
/// process. Throws Error (usage) when it cannot be read.
std::string read_config(const std::string& path);

/// The lines 'name = value' of a config file; '#' begins a comment. Single or double quotes around
/// a whole value are not of it, and what is within them is as it stands; lists that have double
/// quotes of their own know single ones alone. Throws Error (usage) that names
/// file and line: of another form, of no option of the command, of an option that is given twice.
std::vector<ConfigLine> parse_config(const CommandSpec& command, const std::string& path,
                                     const std::string& content);

/// What gives the value back behind '=', in quotes where it has to be; nothing where no line can
/// hold it.
std::optional<std::string> config_text(const OptionSpec& option, const std::string& value);

/// "true" or "false". Throws Error (usage), which begins with `place`, for any other value.
std::string flag_value(const std::string& value, const std::string& place);

}  // namespace paralogit::app
