#pragma once

#include <string>

#include "layout.hpp"

namespace paralogit::data {

/// What a file tells of which way round its features are stored.
struct Orientation {
    /// As many rows as features, so that the shape does not tell; and a matrix, which could lie
    /// either way.
    bool is_square = false;
    bool is_told_by_row = false;  ///< by the format
    std::string by_column = "";   ///< why it is features x rows, for people; empty when not told
};
Orientation orientation_of(const Contents& contents, const h5::DatasetInfo& features,
                           const FeatureShape& shape);

/// A remark for people on square features that are taken as rows x features; empty when there is
/// nothing to remark. Throws Error (input_data) where the file tells that they are features x rows.
std::string check_orientation(const Orientation& orientation, const std::string& file,
                              const std::string& features_path, const SourceOptions& options);

/// A remark where the file also has the path that a model was trained on, and nobody named the one
/// that is taken; else empty.
std::string note_of_other_features(const Contents& contents, const std::string& taken,
                                   const SourceOptions& options);

}  // namespace paralogit::data
