#pragma once

#include <string>

#include "paralogit/h5/file.hpp"

namespace paralogit::data {

/// Opens a file that is to be a data set. Throws Error (input_data): of a text, compressed or not,
/// with the command that makes a data set of it; of other known kinds of files with their names.
h5::File open_data_file(const std::string& path);

}  // namespace paralogit::data
