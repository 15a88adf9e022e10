#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace paralogit::comm {

/// Settings for Open MPI, as environment variables, that spare it the search for networks which
/// the job cannot need: 0.2 s of the 0.25 that it takes to start on a machine without any. For a
/// process that no launcher started, and for a job whose ranks are all on one host; empty for all
/// others. `variable` tells the value of an environment variable, null when it is not set. Another
/// MPI does not read them.
std::vector<std::pair<std::string, std::string>> settings_for_start(
    const std::function<const char*(const char*)>& variable);

/// Keeps the plugins of Open MPI in memory to the end of the process. At its own end Open MPI
/// unloads them; a thread of theirs that is still at work there runs into nothing, which on a busy
/// machine ended about one run in a thousand with a segmentation fault after all was done.
void keep_plugins_loaded();

}  // namespace paralogit::comm
