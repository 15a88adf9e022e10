#pragma once

#include <chrono>

#include "paralogit/app/console.hpp"
#include "paralogit/app/options.hpp"
#include "paralogit/comm/communicator.hpp"

namespace paralogit::app {

/// What every command gets from main.
struct Context {
    const comm::Communicator& comm;
    Console& console;
    std::chrono::steady_clock::time_point process_start;
};

/// Each throws Error, the same on all ranks, or returns the exit code. @collective
ExitCode run_train(const Context& context, const Options& options);
ExitCode run_predict(const Context& context, const Options& options);
ExitCode run_evaluate(const Context& context, const Options& options);
ExitCode run_inspect(const Context& context, const Options& options);
ExitCode run_plan(const Context& context, const Options& options);
ExitCode run_convert(const Context& context, const Options& options);
ExitCode run_generate(const Context& context, const Options& options);

/// The command of that name. Throws Error (internal) for one that has no function.
ExitCode run_command(const CommandSpec& command, const Context& context, const Options& options);

std::string version();

}  // namespace paralogit::app
