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
/// unloads them, and a thread of theirs that is still at work there would run into nothing. A few
/// runs among some thousands on a busy machine ended with a segmentation fault after all was done,
/// in unmapped memory and not on the main thread; too rarely to prove that this was the cause.
void keep_plugins_loaded();

}  // namespace paralogit::comm
