#pragma once

#include <string>

#include "paralogit/comm/communicator.hpp"
#include "paralogit/train/moments.hpp"
#include "paralogit/train/penalties.hpp"
#include "paralogit/train/trainer.hpp"

namespace paralogit::train {

/// Zeros, ones, or what rank 0 reads from the model that `initial` is the path of; with an
/// intercept when there is one parameter more than features of the shard. Warns where names cannot
/// be compared. Throws Error (usage or model_file).
/// @collective
Vector start_parameters(const comm::Communicator& comm, const std::string& initial, Index dimension,
                        const DataSet& data, TrainObserver& observer);

/// Before the data is loaded: throws Error (usage) where there is nothing of that path, and Error
/// (model_file) where it is no model.
void check_initial(const std::string& initial);

/// Columns that the solver leaves alone begin, and so end, with a coefficient of 0, or as near to
/// it as the bounds let it be; the intercept takes up what a constant one contributed.
void empty_idle_columns(const optim::ChangeOfVariables& change, const Moments& moments,
                        const Penalties& penalties, Vector& parameters);

}  // namespace paralogit::train
