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

/// The lines 'name = value' of a config file; '#' begins a comment. Throws Error (usage) that names
/// file and line: of another form, of no option of the command, of an option that is given twice.
std::vector<ConfigLine> parse_config(const CommandSpec& command, const std::string& path,
                                     const std::string& content);

}  // namespace paralogit::app
