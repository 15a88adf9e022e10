#pragma once

#include <optional>
#include <string>
#include <vector>

#include "layout.hpp"

namespace paralogit::data {

// What other programs keep in a file beside rows and labels, or in place of a matrix.

/// The group of an index of PyTables (and pandas), or of what MATLAB's cells refer to, that a path
/// lies in; empty when it lies in none. Nobody means what is in there.
std::string machinery_around(const std::string& path);

/// What such a group is: "an index of PyTables".
std::string name_of_machinery(const std::string& group);

/// Whether it numbers or names the rows or columns of a frame of pandas.
bool is_axis_of_pandas(const h5::Listing& listing, const std::string& path);

/// The groups in which MATLAB stores sparse matrices, with their shapes.
std::vector<h5::DatasetInfo> sparse_matrices_of_matlab(const h5::File& file,
                                                       const h5::Listing& listing);

/// MATLAB stores the shape of what is empty in place of values: that shape, in the order in which
/// the dimensions of others lie in the file; none for anything else.
std::optional<std::vector<Index>> shape_of_matlabs_empty(const h5::File& file,
                                                         const h5::DatasetInfo& info);

/// How to write features and labels of a frame of pandas that the dataset is a part of; empty when
/// it is part of none.
std::string advice_on_frame(const h5::File& file, const std::string& path);

/// What is wrong with a table of records as features, and how to write a matrix of its fields.
std::string objection_to_records(const h5::File& file, const h5::DatasetInfo& table);

/// The same for a sparse matrix of MATLAB.
std::string objection_to_sparse_of_matlab(const h5::File& file, const std::string& group);

/// Whether it holds 0 and 1 by its type.
bool is_boolean(const h5::DatasetInfo& info);

/// The path of a field that may be labels: the first of booleans, or of all. There is one.
std::string likely_label(const h5::File& file, const h5::DatasetInfo& table);

/// The fields of tables of records that have so many rows, as datasets of their own.
std::vector<h5::DatasetInfo> fields_of_records(const Contents& contents, Index rows);

}  // namespace paralogit::data
