#pragma once

#include <map>
#include <string>

#include "paralogit/app/options.hpp"
#include "paralogit/train/trainer.hpp"

namespace paralogit::app {

/// What the options say of the use of rows: class weights, validation rows, and early stopping.
/// Throws Error (usage).
void read_row_use(const Options& options, train::TrainOptions& train);

/// Those of them that change the path of the iteration, by value.
std::map<std::string, std::string> path_options_of(const train::RowUse& use);

}  // namespace paralogit::app
