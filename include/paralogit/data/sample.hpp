#pragma once

#include <span>
#include <vector>

#include "paralogit/data/manifest.hpp"

namespace paralogit::data {

/// The features of a few global rows, in rising order, widened to double  [rows x d, row-major].
/// Throws Error (input_data). Cost: a read of the file for each row. Not collective.
std::vector<double> read_rows(const Manifest& manifest, std::span<const Index> rows);

struct CountOfFeatures {
    Index count;
    bool is_of_all;  ///< entries, so that it is exact; else these use no fewer
};

/// How many features of sparse rows are used by a million entries from all over the files, which
/// may be all there are. Throws Error (input_data). Not collective.
CountOfFeatures count_used_features_of_some(const Manifest& manifest);

}  // namespace paralogit::data
