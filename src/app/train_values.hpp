#pragma once

#include "paralogit/app/commands.hpp"
#include "paralogit/train/trainer.hpp"

namespace paralogit::app {

/// Whether the time limit is that of the SLURM job.
bool ends_with_the_job(const Options& options);

/// What the options say of a run, but for its execution. Throws Error (usage).
train::TrainOptions read_train_options(const Options& options, const Context& context);

}  // namespace paralogit::app
