#pragma once

#include <string>

#include "layout.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::data {

// What lies in one file may be of several sets of rows. Which belongs to which is told by the names
// of groups and datasets: y_test goes with X_test, /muons/y with /muons/X.

/// What the names of a dataset and its groups say of its rows.
enum class RowsPart { unsaid, training, test, validation };
RowsPart part_of_rows(const std::string& path);

/// "/train" of "/train/X", and empty at the root.
std::string group_of(const std::string& path);

/// The last component in lower case, without the words that say which part of the rows it is of.
std::string stem_of(const std::string& path);

/// How near a dataset is to a matrix by their names.
struct Closeness {
    int part = 0;    ///< 0: other parts of the rows, 1: one does not say, 2: the same
    int groups = 0;  ///< that both are in
};
Closeness closeness(const std::string& path, const std::string& matrix);

/// A matrix of numbers, or a sparse group.
bool is_matrix(const h5::DatasetInfo& info);

/// Whether a dataset of one value per row is of other rows than those of the features.
struct Belonging {
    bool is_elsewhere = false;
    std::string owner = "";  ///< the matrix that it belongs to; empty when that is not told
};
Belonging belonging_of(const Contents& contents, const h5::DatasetInfo& vector,
                       const std::string& features_path);

}  // namespace paralogit::data
