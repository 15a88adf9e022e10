#pragma once

#include <map>
#include <string>
#include <vector>

#include "paralogit/app/options.hpp"
#include "paralogit/train/trainer.hpp"

namespace paralogit::app {

/// The options of the solvers that take steps after batches of rows.
std::vector<OptionSpec> stochastic_options();

/// What they say, for the solver that `solver` names. `max_iterations` is the horizon of a schedule
/// that has none of its own. Throws Error (usage).
void read_stochastic(const Options& options, Index max_iterations, train::SolverOptions& solver);

/// Refuses options of stochastic solvers that have no effect in the run. Throws Error (usage).
void refuse_idle_options(const Options& options, const train::TrainOptions& train);

/// Those that change the path of the iteration, by value; empty for other solvers.
std::map<std::string, std::string> path_options_of_batches(const train::SolverOptions& solver,
                                                           int ranks);

/// "stochastic gradient descent, batches of 256 rows, learning rate 0.1, ..."
std::string stochastic_text(const train::SolverOptions& solver);

/// The line of the printed summary on batches; empty without.
std::string batches_text(const train::TrainOutcome& outcome);

}  // namespace paralogit::app
