#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "paralogit/base/error.hpp"
#include "paralogit/comm/communicator.hpp"

namespace paralogit::app {

/// What the arguments (without the program's name) ask for: help, version, or a command with its
/// options. Prints on rank 0. Throws Error, the same on all ranks. @collective
ExitCode run_program(const comm::Communicator& comm, const std::vector<std::string>& arguments,
                     std::chrono::steady_clock::time_point process_start);

}  // namespace paralogit::app
