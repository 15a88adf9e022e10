#pragma once

#include <cstddef>

#include "paralogit/data/shard_plan.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::data {

/// The values that are read at a time where memory is no matter.
constexpr Index wide_band_bytes = Index{16} << 20U;

/// Where a band of rows should end that begins at `first`, not beyond `end` (all counted within the
/// file): after whole chunks, so that each is read and unpacked once (one without filters, which
/// is longer, has several bands), and some `bytes` of values;
/// of a transposed dataset, after a stretch of each feature that is long enough to be worth a read.
Index end_of_band(const h5::DatasetInfo& info, bool is_transposed, Index first, Index end,
                  Index bytes = wide_band_bytes);

/// Reads a band of rows of a dataset into `out`, row-major in its stored type, through the HDF5
/// library. Throws Error (input_data).
void read_features(const h5::Dataset& dataset, Range rows, std::byte* out);

/// The same for a dataset of features x rows; takes up to 16 MiB beyond `out`, not more than that.
void read_transposed_features(const h5::Dataset& dataset, Range rows, std::byte* out);

}  // namespace paralogit::data
