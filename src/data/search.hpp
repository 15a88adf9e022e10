#pragma once

#include <optional>
#include <string>

#include "layout.hpp"
#include "paralogit/data/manifest.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::data {

/// A dataset and why it was taken.
struct Choice {
    h5::DatasetInfo info;
    std::string reason;                   ///< for people: "named by --features-name"
    std::vector<std::string> texts = {};  ///< of a list in an attribute, which is no dataset
};

/// The one dataset that is named by the user, or by habit. Throws Error (input_data) that lists
/// what was found when there is none or more than one, or when its type or rank is of no use.
Choice choose_features(const Contents& contents, const SourceOptions& options);
/// The features and rows that labels are for; where several could be them, the name of the features
/// tells which (X_test has y_test), and so does their number.
struct LabelledRows {
    std::string features_path;
    Index rows = 0;
};
Choice choose_labels(const Contents& contents, const SourceOptions& options,
                     const std::optional<LabelledRows>& labelled);
Choice choose_weights(const Contents& contents, const std::string& name);

/// A dataset of one number for each row of the features with a usual name of row weights, if there
/// is one.
std::optional<h5::DatasetInfo> find_unused_weights(const Contents& contents,
                                                   const std::string& features_path, Index rows);

}  // namespace paralogit::data
