#pragma once

#include <map>
#include <string>
#include <vector>

#include "paralogit/app/options.hpp"
#include "paralogit/comm/communicator.hpp"

namespace paralogit::app {

/// Throws the same AgreedError (usage) on all ranks unless all run the same build of the program,
/// with the same libraries, and the same command. It comes before anything else that ranks do
/// together: two builds may not agree on what comes next. @collective
void require_same_program(const comm::Communicator& comm,
                          const std::vector<std::string>& arguments);

/// The same for the options on the command line. Those may differ that say how a rank computes
/// (threads, memory, instructions), which changes no bit of any result. @collective
void require_same_options(const comm::Communicator& comm, const CommandSpec& command,
                          const std::map<std::string, std::vector<std::string>>& given);

}  // namespace paralogit::app
