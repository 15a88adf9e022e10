// paralogit: logistic regression on HDF5 data sets, on one core or many hosts.
//
//   mpirun -n 2 paralogit train configs/data/iris.h5 --out runs/iris
//   paralogit evaluate runs/iris/model.h5 configs/data/iris.h5
//   paralogit inspect configs/data/iris.h5
//
// One process per rank; all of them run this same story, and all end with the same exit code.

#include <chrono>
#include <csignal>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "paralogit/app/console.hpp"
#include "paralogit/app/program.hpp"
#include "paralogit/base/output_file.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/comm/deadline.hpp"
#include "paralogit/comm/session.hpp"
#include "paralogit/comm/signals.hpp"
#include "paralogit/data/mapped_file.hpp"
#include "paralogit/h5/library.hpp"

namespace {

using namespace paralogit;

/// From before MPI starts to the very end of the process: one signal that comes early must not end
/// the run without its checkpoint, and a second one that comes late must not change the exit code.
/// So the listener is never destroyed.
void note_stop_signals() {
    static const auto* const listener = new comm::StopSignals;
    static_cast<void>(listener);
}

ExitCode run_command(const comm::Communicator& comm, const std::vector<std::string>& arguments,
                     std::chrono::steady_clock::time_point process_start,
                     comm::Deadline& deadline) {
    try {
        return app::run_program(comm, arguments, process_start, deadline);
        // 4. One message and one exit code, whichever rank had the trouble.
    } catch (const comm::AgreedError& error) {
        app::Console(comm.is_root(), app::Verbosity::normal).error(error.what());
        return error.code();
    } catch (...) {
        // The other ranks know nothing of this one and may be waiting for it.
        const Error error = comm::error_from(std::current_exception());
        comm.abort(error.code(), error.what());
    }
}

int run_session(int argc, char** argv, std::chrono::steady_clock::time_point process_start) {
    // 1. HDF5 may load no plugins and prints nothing of its own. Training is stopped by signals.
    h5::prepare_library();
    // A reader of the log that goes away must not end the run.
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    // A file that grows beyond `ulimit -f` is told as one that cannot be written.
    static_cast<void>(std::signal(SIGXFSZ, SIG_IGN));
    if (argc > 1 && std::string_view(argv[1]) == "train") {
        note_stop_signals();
    } else {
        remove_temporaries_on_signals();
    }

    // 2. MPI, and the ranks of this job. One that does not come, or hangs later, ends it.
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    comm::Deadline deadline(app::seconds_to_start(arguments));
    deadline.begin("while the job starts", "Start it again");
    const comm::Session session(argc, argv);
    const comm::Communicator comm = comm::Communicator::world();
    // A data file that is cut while it is in use is told to the user. MPI has a handler of its own.
    data::prepare_mappings();

    // 3. The command that was asked for.
    const ExitCode code = run_command(comm, arguments, process_start, deadline);
    // 5. MPI ends when all ranks do.
    deadline.begin("at the end of the job", "Nothing was left to do but to end");
    return static_cast<int>(code);
}

}  // namespace

int main(int argc, char** argv) {
    const auto process_start = std::chrono::steady_clock::now();
    try {
        return run_session(argc, argv, process_start);
    } catch (const comm::WrongLauncher& error) {
        app::Console(error.is_first(), app::Verbosity::normal).error(error.what());
        return static_cast<int>(error.code());
    } catch (...) {
        // Without MPI there is nobody to agree with.
        const Error error = comm::error_from(std::current_exception());
        app::Console(true, app::Verbosity::normal).error(error.what());
        return static_cast<int>(error.code());
    }
}
