#pragma once

#include <string>

#include "paralogit/app/console.hpp"
#include "paralogit/train/trainer.hpp"

namespace paralogit::app {

/// What a user should know of a run that did not end at an optimum of his data.
void warn_of_outcome(const train::TrainOutcome& outcome, const train::TrainOptions& options,
                     Console& console);

/// The printed result of a run.
std::string summary_text(const train::TrainOutcome& outcome, const train::TrainOptions& options);

}  // namespace paralogit::app
