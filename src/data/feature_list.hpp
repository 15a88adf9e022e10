#pragma once

#include <string>

#include "paralogit/data/manifest.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::data {

/// For people: the features of a file by name, one a line; where `paralogit convert` made it also
/// what missing numbers were filled in by, and the texts of its columns that have no feature.
/// Throws Error (input_data).
std::string feature_list(const h5::File& file, const Manifest& manifest);

}  // namespace paralogit::data
