#pragma once

#include <string>

#include "paralogit/data/manifest.hpp"
#include "paralogit/train/model_file.hpp"

namespace paralogit::train {

/// Writes into the attributes of a model where its features lay: `features_path`, where all files
/// had them under the same one, and `features_stored_as`, "rows x features" or the other way round.
void record_features(const data::Manifest& training, Model& model);

/// What the user says about files that a model is applied to, with what the model knows of its
/// features, where it is of a version that wrote it.
data::SourceOptions with_features_of(const Model& model, const std::string& model_path,
                                     data::SourceOptions source);

/// Whether it was trained on features x rows, with --transposed.
bool was_transposed(const Model& model);

}  // namespace paralogit::train
