#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "paralogit/app/options.hpp"

namespace paralogit::app {

/// "; did you mean train?", of the names one that begins so or is near; else nothing.
std::string nearest_name(std::string_view name, const std::vector<std::string_view>& names,
                         std::string_view prefix = "");

/// The same for an option that the command does not have: what other programs call so, or an option
/// of a near name. `prefix` is "--", or nothing in a config file.
std::string suggested_option(const CommandSpec& command, std::string_view name,
                             std::string_view prefix);

/// The same for a value that an option does not take.
std::string suggested_value(std::string_view option, std::string_view value,
                            const std::vector<std::string_view>& choices);

}  // namespace paralogit::app
