#pragma once

#include <string>

#include "paralogit/comm/communicator.hpp"
#include "paralogit/train/checkpoint.hpp"

namespace paralogit::train {

/// Throws Error (model_file) that names what differs when a run with `now` (all but its state)
/// cannot go on from `then`: another data set, or an option that changes the path of the iteration.
void check_resumable(const Checkpoint& then, const Checkpoint& now,
                     const std::filesystem::path& checkpoint_path);

/// A path option for what has no short text of its own, such as a file of numbers: words for the
/// user, and a digest that tells what they leave out. A refusal to resume prints the words alone.
std::string with_digest(const std::string& words, const std::string& digest);

/// Rank 0's state and start parameters, on every rank, bit for bit. @collective
void broadcast_progress(const comm::Communicator& comm, Checkpoint& checkpoint);

}  // namespace paralogit::train
