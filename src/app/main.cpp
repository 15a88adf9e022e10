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
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "paralogit/app/commands.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/comm/session.hpp"
#include "paralogit/comm/signals.hpp"
#include "paralogit/h5/library.hpp"

namespace {

using namespace paralogit;

app::Verbosity verbosity_of(const app::Options& options) {
    if (options.is_set("quiet")) {
        return app::Verbosity::quiet;
    }
    return options.is_set("verbose") ? app::Verbosity::verbose : app::Verbosity::normal;
}

ExitCode run(const comm::Communicator& comm, const std::vector<std::string>& arguments,
             std::chrono::steady_clock::time_point process_start) {
    app::Console plain(comm.is_root(), app::Verbosity::normal);

    // 3. What is asked of the program as a whole.
    if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h" ||
        arguments[0] == "help") {
        plain.result(app::help_text());
        return arguments.empty() ? ExitCode::usage : ExitCode::done;
    }
    if (arguments[0] == "--help-markdown") {
        plain.result(app::help_markdown());
        return ExitCode::done;
    }
    if (arguments[0] == "--version") {
        plain.result("paralogit " + app::version() + ", HDF5 " + h5::library_version());
        return ExitCode::done;
    }

    // 4. The command and its options; the config file is read by rank 0.
    const app::CommandSpec& command =
        *comm::together(comm, [&] { return &app::find_command(arguments[0]); });
    const app::Options options(command, std::span(arguments).subspan(1), comm);
    if (options.is_set("help")) {
        plain.result(app::help_text(command));
        return ExitCode::done;
    }

    // 5. The command itself.
    app::Console console(comm.is_root(), verbosity_of(options));
    const ExitCode code = app::run_command(command, {comm, console, process_start}, options);
    comm::on_root(comm, [&] {
        if (console.has_lost_results()) {
            throw Error(ExitCode::cannot_write, "stdout cannot be written: the results are lost");
        }
    });
    return code;
}

/// From before MPI starts to the very end of the process: one signal that comes early must not end
/// the run without its checkpoint, and a second one that comes late must not change the exit code.
/// So the listener is never destroyed.
void note_stop_signals() {
    static const auto* const listener = new comm::StopSignals;
    static_cast<void>(listener);
}

}  // namespace

int main(int argc, char** argv) {
    const auto process_start = std::chrono::steady_clock::now();

    // 1. HDF5 may load no plugins and prints nothing of its own. Training is stopped by signals.
    h5::prepare_library();
    // A reader of the log that goes away must not end the run.
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    if (argc > 1 && std::string_view(argv[1]) == "train") {
        note_stop_signals();
    }

    // 2. MPI, and the ranks of this job.
    const comm::Session session(argc, argv);
    const comm::Communicator comm = comm::Communicator::world();

    // 6. One message and one exit code, whichever rank had the trouble.
    try {
        const std::vector<std::string> arguments(argv + 1, argv + argc);
        return static_cast<int>(run(comm, arguments, process_start));
    } catch (const comm::AgreedError& error) {
        app::Console(comm.is_root(), app::Verbosity::normal).error(error.what());
        return static_cast<int>(error.code());
    } catch (...) {
        // The other ranks know nothing of this one and may be waiting for it.
        const Error error = comm::error_from(std::current_exception());
        comm.abort(error.code(), error.what());
    }
}
