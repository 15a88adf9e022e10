#pragma once

#include <optional>
#include <string>

#include "layout.hpp"
#include "search.hpp"

namespace paralogit::data {

/// The dataset of one text per feature that belongs to these features, if there is one: where
/// AnnData and 10x Genomics have it; or with a usual name in the group of the features or one
/// around it, or elsewhere where there is just one such list and one such matrix.
std::optional<Choice> find_feature_names(const Contents& contents, const std::string& features_path,
                                         Index features);

/// A note on a dataset of texts with a usual name of feature names, where none is used: it has
/// another length, or belongs to other features. Empty when there is nothing to note.
std::string note_of_feature_names(const Contents& contents, const std::string& features_path,
                                  Index features);

}  // namespace paralogit::data
