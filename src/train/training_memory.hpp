#pragma once

#include <optional>

#include "paralogit/train/trainer.hpp"

namespace paralogit::train {

/// How the training rows of a run are computed on: of the memory the solver takes a part, and
/// validation rows that have files. @collective
Execution share_memory(const comm::Communicator& comm, const TrainOptions& options,
                       const std::optional<data::Manifest>& validation_files);

/// Makes sure that the vectors of the solver have room beside sparse rows, of which it is now known
/// which features they use. Throws Error (input_data). @collective
void require_solver_memory(const comm::Communicator& comm, const TrainOptions& options,
                           const DataSet& data);

}  // namespace paralogit::train
