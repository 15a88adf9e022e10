#include "paralogit/app/program.hpp"

#include <fmt/format.h>

#include <optional>
#include <span>

#include "paralogit/app/commands.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/comm/watchdog.hpp"
#include "paralogit/h5/library.hpp"
#include "same_everywhere.hpp"
#include "stall_limits.hpp"

namespace paralogit::app {

namespace {

Verbosity verbosity_of(const Options& options) {
    if (options.is_set("quiet")) {
        return Verbosity::quiet;
    }
    return options.is_set("verbose") ? Verbosity::verbose : Verbosity::normal;
}

/// The file or directory that the results go into; empty where they are only printed.
std::string place_of_results(const Options& options) {
    // Of convert the last of its files.
    return options.has("out")     ? options.text("out")
           : options.has("files") ? options.list("files").back()
                                  : "";
}

/// What was asked for and is nowhere else. Throws where nobody can read it.
void print(const comm::Communicator& comm, const std::string& text) {
    Console console(comm.is_root(), Verbosity::normal);
    console.result(text);
    comm::on_root(comm, [&] {
        if (console.has_lost_results()) {
            throw Error(ExitCode::cannot_write, "stdout cannot be written: the results are lost");
        }
    });
}

ExitCode run_with(const CommandSpec& command, const Options& options,
                  const comm::Communicator& comm,
                  std::chrono::steady_clock::time_point process_start,
                  std::optional<comm::Watchdog>& watchdog, comm::Deadline& deadline) {
    const auto limits = comm::together(comm, [&] { return stall_limits_of(options); });
    deadline.change(seconds_in_mpi(limits));
    if (watchdog) {
        watchdog->change(
            limits, comm::listener_that_ends_the_job(command.name == "train" ? "Go on with --resume"
                                                                             : "Start it again"));
    }
    Console console(comm.is_root(), verbosity_of(options));
    const ExitCode code = run_command(command, {comm, console, process_start}, options);
    comm::on_root(comm, [&] {
        if (!console.has_lost_results()) {
            return;
        }
        const std::string results = place_of_results(options);
        if (results.empty()) {
            throw Error(ExitCode::cannot_write, "stdout cannot be written: the results are lost");
        }
        // What was asked for is there; the rest was to be looked at.
        console.warning(fmt::format(
            "stdout cannot be written, so nothing was printed; the results are in {}", results));
    });
    return code;
}

}  // namespace

ExitCode run_program(const comm::Communicator& comm, const std::vector<std::string>& arguments,
                     std::chrono::steady_clock::time_point process_start,
                     comm::Deadline& deadline) {
    // Of another program it is not known what else it would say.
    require_same_program(comm, arguments);
    // A rank that the others wait for in vain ends the job. Unless it is never to do so, which the
    // options may yet say.
    std::optional<comm::Watchdog> watchdog;
    if (seconds_to_start(arguments)) {
        watchdog.emplace(comm, stall_limits_at_start(arguments),
                         comm::listener_that_ends_the_job("Start it again"));
    }
    deadline.end();

    // What is asked of the program as a whole.
    if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h" ||
        arguments[0] == "help") {
        print(comm, help_text());
        return arguments.empty() ? ExitCode::usage : ExitCode::done;
    }
    if (arguments[0] == "--help-markdown") {
        print(comm, help_markdown());
        return ExitCode::done;
    }
    if (arguments[0] == "--version") {
        print(comm, "paralogit " + version() + ", HDF5 " + h5::library_version());
        return ExitCode::done;
    }

    // The command and its options; the config file is read by rank 0.
    const CommandSpec& command = *comm::together(comm, [&] { return &find_command(arguments[0]); });
    const Options options(command, std::span(arguments).subspan(1), comm);
    if (options.is_set("help")) {
        print(comm, help_text(command));
        return ExitCode::done;
    }

    // The command itself. What is wrong in the config file is told with its line.
    try {
        return run_with(command, options, comm, process_start, watchdog, deadline);
    } catch (const comm::AgreedError& error) {
        throw comm::AgreedError(options.with_place(error));
    }
}

}  // namespace paralogit::app
