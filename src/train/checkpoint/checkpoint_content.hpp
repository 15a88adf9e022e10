#pragma once

#include <filesystem>

#include "paralogit/train/checkpoint.hpp"

namespace paralogit::train {

// What lies inside a checkpoint file, without regard to its name.
//
//   attributes        format ("paralogit checkpoint 1"), version, data_fingerprint, iteration,
//                     evaluations, rows_wrong, rows, features, blocks, value
//   /point /gradient /start_parameters   [parameters] float64
//   /centre /scale                       [features] float64
//   /exponents                           [features + 1] int64
//   /best_parameters                     [parameters] float64, of a run with validation rows; with
//                                        it the attributes best_iteration and best_loss
//   /path_options/names, .../values      strings
//   /memory/names, .../rows, .../columns of the solver's matrices; matrix i is /memory/<i>, as one
//                                        vector, column after column

/// What is wrong with the sizes and numbers of a checkpoint; empty when nothing is.
std::string fault_of(const Checkpoint& checkpoint);

/// Throws Error (cannot_write), which names `target`, what a temporary file is going to be, when
/// given.
void write_content(const std::filesystem::path& path, const Checkpoint& checkpoint,
                   const std::filesystem::path& target = {});

/// Throws Error (model_file) for a file that is not a checkpoint, of another schema, or at fault.
Checkpoint read_content(const std::filesystem::path& path);

/// Whether every number in the file has the same bits, and every text the same characters. Throws
/// as read_content(), but reads one array at a time: a second checkpoint may not fit into memory.
bool is_written(const std::filesystem::path& path, const Checkpoint& checkpoint);

}  // namespace paralogit::train
