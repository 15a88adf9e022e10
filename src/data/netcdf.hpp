#pragma once

#include <string>
#include <vector>

#include "paralogit/h5/file.hpp"

namespace paralogit::data {

// What attributes of a dataset say of its values, by the conventions of netCDF, which xarray and
// CF follow.

/// Throws Error (input_data) when the values stand for others, by scale_factor and add_offset, or
/// by _Unsigned.
void refuse_packed(const h5::File& file, const std::string& dataset);

/// The finite values that stand for missing ones, by _FillValue and missing_value, as the type of
/// the dataset has them. Most writers give every dataset such a mark, whether it is used or not.
std::vector<double> missing_marks(const h5::File& file, const h5::DatasetInfo& dataset);

}  // namespace paralogit::data
