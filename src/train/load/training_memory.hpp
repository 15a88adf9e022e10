#pragma once

#include <optional>
#include <string>

#include "paralogit/train/trainer.hpp"

namespace paralogit::train {

/// How the training rows of a run are computed on: of the memory the solver takes a part, and
/// validation rows that have files. @collective
Execution share_memory(const comm::Communicator& comm, const TrainOptions& options,
                       const std::optional<data::Manifest>& validation_files);

/// Without entries a feature stays where it begins: at 0 when nothing else is asked for, or when
/// columns that do not vary are set to it; unless bounds hold it off.
bool leaves_out_unused_features(const TrainOptions& options);

/// Gives the solver its part of the memory beside sparse rows, of which it is now known which
/// features they use. Throws Error (input_data) where there is too little. @collective
void take_solver_memory(const comm::Communicator& comm, const TrainOptions& options, DataSet& data);

}  // namespace paralogit::train
