#pragma once

#include <optional>
#include <string>

#include "paralogit/train/trainer.hpp"

namespace paralogit::train {

/// How the training rows of a run are computed on: of the memory the solver takes a part, and
/// validation rows that have files. @collective
Execution share_memory(const comm::Communicator& comm, const TrainOptions& options,
                       const std::optional<data::Manifest>& validation_files);

/// Gives the solver its part of the memory beside sparse rows, of which it is now known which
/// features they use. Throws Error (input_data) where there is too little. @collective
void take_solver_memory(const comm::Communicator& comm, const TrainOptions& options, DataSet& data);

/// Throws Error (usage) when a stochastic solver would pick rows out of sparse shards that are
/// streamed. @collective
void refuse_streamed_sparse_batches(const comm::Communicator& comm, const DataSet& data,
                                    const std::string& solver);

}  // namespace paralogit::train
