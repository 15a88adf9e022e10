#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace paralogit::data {

/// What people call labels, in lower case. "classes" is not among them: where it occurs it mostly
/// lists the names of the classes.
inline constexpr std::array<std::string_view, 9> names_of_labels{
    "y", "label", "labels", "target", "targets", "train_set_y", "y_train", "train_y", "class"};

/// Names of labels of rows that are not trained on.
inline constexpr std::array<std::string_view, 7> names_of_test_labels{
    "y_test", "test_y", "test_set_y", "y_val", "val_y", "y_valid", "valid_y"};

inline constexpr std::array<std::string_view, 6> names_of_weights{
    "sample_weight", "sample_weights", "row_weight", "row_weights", "weight", "weights"};

/// What people call features: the last components of paths, in lower case.
inline constexpr std::array<std::string_view, 11> names_of_features{
    "x",       "data",   "features", "matrix",        "train_set_x",   "x_train",
    "train_x", "inputs", "images",   "design_matrix", "feature_matrix"};

/// Names of features of rows that are not trained on.
inline constexpr std::array<std::string_view, 7> names_of_test_features{
    "x_test", "test_x", "test_set_x", "x_val", "val_x", "x_valid", "valid_x"};

/// What stands behind the last '/', in lower case.
std::string last_component(const std::string& path);

/// Whether the last component of a path is one of the names.
bool is_among(std::span<const std::string_view> names, const std::string& path);

/// Whether it is one of features, of whatever rows.
bool has_name_of_features(const std::string& path);

}  // namespace paralogit::data
