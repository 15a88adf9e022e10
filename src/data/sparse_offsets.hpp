#pragma once

#include <optional>
#include <span>
#include <vector>

#include "paralogit/base/error.hpp"
#include "paralogit/data/manifest.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::data {

/// Reads the offsets [first, first + out.size()) of sparse rows from the dataset `indptr`, through
/// the HDF5 library and in pieces. Throws Error (input_data).
void read_offsets(const h5::Dataset& offsets, Index first, std::span<Index> out);

/// The error of the first row that ends before it begins, or beyond the entries of its file.
/// `offsets` are those of the rows from `first_row` on (counted within the file), and the end of
/// the last one.
std::optional<Error> find_bad_offset(const FilePart& part, Index first_row,
                                     std::span<const Index> offsets);

/// The offsets of the global rows that are multiples of `step`, of those that lie in the file.
/// Checks that they rise from 0 to the entries of the file. Throws Error (input_data). Cost: where
/// the rows between two of them fill a page, and the file tells where they are, only a page for
/// each is read.
std::vector<Index> sample_offsets(const h5::File& file, const FilePart& part, Index step);

}  // namespace paralogit::data
