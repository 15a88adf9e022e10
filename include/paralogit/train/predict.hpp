#pragma once

#include <filesystem>
#include <optional>

#include "paralogit/train/data_set.hpp"
#include "paralogit/train/model_file.hpp"

namespace paralogit::train {

struct PredictOptions {
    /// ".csv": text with a header line; ".h5" or ".hdf5": a dataset. Anything else is an Error
    /// (usage).
    std::filesystem::path out;
    bool may_replace = false;
    /// When set, classes instead of probabilities: 1 where the probability exceeds it, else 0.
    std::optional<double> threshold;
};

/// Throws Error (usage) when `out` has another ending, or exists and may not be replaced: to be
/// asked before the data is read.
void check_output(const PredictOptions& options);

/// Rank 0's model, on every rank. Throws Error (model_file). @collective
Model load_model(const comm::Communicator& comm, const std::filesystem::path& path);

/// Throws Error (model_file) when the model does not fit the data: another number of features, or
/// features of other names.
void check_fit(const Model& model, const data::Manifest& manifest);

/// For users: that names are not compared, since only one of the two has some; else empty.
std::string note_of_names(const Model& model, const std::string& model_path,
                          const data::Manifest& manifest);

/// Writes one value per row, in the order of the rows; every rank writes its own. The bytes do not
/// depend on the number of ranks. HDF5: /probability [n] float64 or /class [n] uint8. @collective
void predict(const comm::Communicator& comm, const Model& model, const DataSet& data,
             const PredictOptions& options);

}  // namespace paralogit::train
