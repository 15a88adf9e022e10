#pragma once

#include <initializer_list>
#include <vector>

#include "paralogit/app/options.hpp"

namespace paralogit::app {

// Options that several commands share, in the order in which help prints them.

const std::vector<OptionSpec>& source_options();
const std::vector<OptionSpec>& label_options();
const std::vector<OptionSpec>& weight_options();
const std::vector<OptionSpec>& machine_options();
const std::vector<OptionSpec>& common_options();
const OptionSpec& config_option();
const OptionSpec& overwrite_option();

std::vector<OptionSpec> join(std::initializer_list<std::vector<OptionSpec>> parts);

CommandSpec train_command();

}  // namespace paralogit::app
