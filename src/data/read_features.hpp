#pragma once

#include <cstddef>

#include "paralogit/data/shard_plan.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::data {

/// Reads the rows of a dataset (counted within the file) into `out`, row-major in its stored type,
/// in bands of whole chunks of about 16 MiB, so that each chunk is read and unpacked once and only
/// a transposed dataset needs memory beyond `out`. Throws Error (input_data).
void read_features(const h5::Dataset& dataset, Range rows, std::byte* out);

/// The same for a dataset of features x rows.
void read_transposed_features(const h5::Dataset& dataset, Range rows, std::byte* out);

}  // namespace paralogit::data
