#pragma once

#include <string>

#include "paralogit/data/manifest.hpp"
#include "paralogit/train/data_set.hpp"
#include "paralogit/train/model_file.hpp"

namespace paralogit::train {

/// Writes into the attributes of a model which labels of its training rows were y = 1: `labels` for
/// people, `label_kind` and `positive_label` for programs. Nothing for rows without labels.
void record_labels(const DataSet& training, Model& model);

/// What the user says about files of labelled rows, with the positive label of the model that they
/// are held against, where the model has one of its own. Throws Error (usage) where the user names
/// another.
data::SourceOptions with_labels_of(const Model& model, const std::string& model_path,
                                   data::SourceOptions source);

}  // namespace paralogit::train
