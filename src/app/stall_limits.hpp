#pragma once

#include <optional>
#include <string>
#include <vector>

#include "paralogit/app/options.hpp"
#include "paralogit/comm/watchdog.hpp"

namespace paralogit::app {

/// By --stall-timeout.
comm::StallLimits stall_limits_of(const Options& options);

/// How long a rank may wait for others where MPI starts and ends; empty: as long as it takes.
std::optional<double> seconds_in_mpi(const comm::StallLimits& limits);

/// Before the options have been read: what the command line alone says, or else the default.
comm::StallLimits stall_limits_at_start(const std::vector<std::string>& arguments);

}  // namespace paralogit::app
