#pragma once

#include <optional>
#include <string>

#include "layout.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::data {

/// The dataset of one text per feature, if there is one: where AnnData and 10x Genomics have it, or
/// with a usual name.
std::optional<h5::DatasetInfo> find_feature_names(const Contents& contents,
                                                  const std::string& features_path, Index features);

/// A note on a dataset of texts with a usual name of feature names, where none has one for each
/// feature; empty when there is nothing to note.
std::string note_of_feature_names(const Contents& contents, Index features);

}  // namespace paralogit::data
