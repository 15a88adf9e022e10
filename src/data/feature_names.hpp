#pragma once

#include <optional>
#include <string>

#include "layout.hpp"
#include "name_places.hpp"
#include "search.hpp"

namespace paralogit::data {

/// The dataset or attribute of one text per feature that belongs to these features, if there is
/// one: where a format has it (name_places.hpp); or with a usual name in the group of the features
/// or one around it, or elsewhere where there is just one such list and one such matrix.
std::optional<Choice> find_feature_names(const Contents& contents,
                                         const NamelessFeatures& features);

/// A note on texts with a usual name of feature names, where none is used: it has another length,
/// or belongs to other features. Empty when there is nothing to note.
std::string note_of_feature_names(const Contents& contents, const NamelessFeatures& features);

}  // namespace paralogit::data
