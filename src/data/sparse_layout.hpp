#pragma once

#include <string>
#include <vector>

#include "layout.hpp"
#include "paralogit/data/manifest.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::data {

/// The datasets of a group that holds a matrix in compressed sparse rows.
std::string path_of_values(const std::string& group);
std::string path_of_indices(const std::string& group);
std::string path_of_offsets(const std::string& group);

/// Rows and columns as a file tells them, by an attribute or a dataset of the group; empty when it
/// does not. Throws Error (input_data) when they are no two counts.
std::vector<Index> told_shape(const Contents& contents, const std::string& group);

/// Which rows and features the entries of a group are of, whatever way the matrix lies. Throws
/// Error (input_data) when the file does not tell, and when the datasets do not go together.
FeatureShape sparse_shape(const Contents& contents, const std::string& group,
                          const SourceOptions& options);

}  // namespace paralogit::data
