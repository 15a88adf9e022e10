#pragma once

#include <string>
#include <vector>

#include "paralogit/app/options.hpp"

namespace paralogit::app {

/// Leaves out what the config file says for another solver, or schedule, than the one that the
/// command line chose, as a file for many runs may; returns a sentence for each such option.
std::vector<std::string> leave_out_options_of_others(Options& options);

/// Throws Error (usage) for an option that is of another solver, or schedule, than the run's.
void refuse_options_of_others(const Options& options);

}  // namespace paralogit::app
