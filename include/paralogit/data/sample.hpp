#pragma once

#include <span>
#include <vector>

#include "paralogit/data/manifest.hpp"

namespace paralogit::data {

/// The features of a few global rows, in rising order, widened to double  [rows x d, row-major].
/// Throws Error (input_data). Cost: a read of the file for each row. Not collective.
std::vector<double> read_rows(const Manifest& manifest, std::span<const Index> rows);

}  // namespace paralogit::data
