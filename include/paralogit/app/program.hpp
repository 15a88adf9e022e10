#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "paralogit/base/error.hpp"
#include "paralogit/comm/communicator.hpp"
#include "paralogit/comm/deadline.hpp"

namespace paralogit::app {

/// How long this rank may wait for others while MPI starts, and while it ends unless the options
/// say something else; empty: as long as it takes. --stall-timeout of the command line, or its
/// default, but a minute at least, or ten times it where that is less.
std::optional<double> seconds_to_start(const std::vector<std::string>& arguments);

/// What the arguments (without the program's name) ask for: help, version, or a command with its
/// options. Prints on rank 0. Throws Error, the same on all ranks. Ends the deadline as soon as a
/// watchdog is there, which is gone when it returns; the options say how long the deadline is for
/// the end. @collective
ExitCode run_program(const comm::Communicator& comm, const std::vector<std::string>& arguments,
                     std::chrono::steady_clock::time_point process_start, comm::Deadline& deadline);

}  // namespace paralogit::app
