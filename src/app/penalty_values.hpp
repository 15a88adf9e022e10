#pragma once

#include "paralogit/app/options.hpp"
#include "paralogit/train/penalties.hpp"
#include "paralogit/train/solver_choice.hpp"

namespace paralogit::app {

/// What the options say of penalties and bounds. Throws Error (usage).
train::PenaltyOptions read_penalty(const Options& options);

/// Throws Error (usage) when the solver needs an objective that is smooth and this is none.
void check_solver(const train::PenaltyOptions& penalty, const train::SolverOptions& solver);

}  // namespace paralogit::app
