#pragma once

#include <functional>
#include <optional>
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

/// What the launcher that started this process says of it.
struct Task {
    std::string variable;  ///< which says so
    long count;            ///< of how many processes it is one, >= 1
    long number;           ///< which, from 0
};

/// Empty for a process that no launcher started; also for one started by hand in the shell or the
/// script of a SLURM job, since that is no task of a step. Of several launchers the nearest counts:
/// mpirun may have been started by srun, or its daemons.
std::optional<Task> task_of_launcher(const std::function<const char*(const char*)>& variable);

/// Whether srun has started the process without PMIx, and without the older protocols. Open MPI
/// then refuses to start, with words about how it was built.
bool is_without_process_manager(const Task& task,
                                const std::function<const char*(const char*)>& variable);

/// For the user: `mpi` is what library_version() says.
std::string wrong_launcher_text(const Task& task, const std::string& mpi);

/// Keeps the plugins of Open MPI in memory to the end of the process. At its own end Open MPI
/// unloads them, and a thread of theirs that is still at work there would run into nothing. A few
/// runs among some thousands on a busy machine ended with a segmentation fault after all was done,
/// in unmapped memory and not on the main thread; too rarely to prove that this was the cause.
void keep_plugins_loaded();

}  // namespace paralogit::comm
