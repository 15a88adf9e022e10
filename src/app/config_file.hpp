#pragma once

#include <string>
#include <vector>

#include "paralogit/app/options.hpp"

namespace paralogit::app {

/// What a line of a config file says.
struct ConfigLine {
    Index number = 0;  ///< from 1
    const OptionSpec* option = nullptr;
    std::string value;  ///< without blanks at its ends; of a flag "true" or "false"
};

/// The text of a config file. Of a pipe all that its writer writes; a signal ends the wait, and the
/// process. Throws Error (usage) when it cannot be read.
std::string read_config(const std::string& path);

/// The lines 'name = value' of a config file; '#' begins a comment. Throws Error (usage) that names
/// file and line: of another form, of no option of the command, of an option that is given twice.
std::vector<ConfigLine> parse_config(const CommandSpec& command, const std::string& path,
                                     const std::string& content);

}  // namespace paralogit::app
