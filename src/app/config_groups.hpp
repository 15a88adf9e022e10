#pragma once

#include <string>
#include <vector>

#include "paralogit/app/options.hpp"

namespace paralogit::app {

/// Leaves out what the config file says for another penalty, loss or way to validate than the
/// command line does, or for what the command line switches off; returns a sentence for each such
/// option that is not at its default.
std::vector<std::string> leave_out_what_is_replaced(Options& options);

}  // namespace paralogit::app
