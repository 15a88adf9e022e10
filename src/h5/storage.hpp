#pragma once

#include "handle.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::h5 {

/// Everything about an open dataset but its values. `file_bytes` is the size of the file, beyond
/// which nothing can be stored. Opens no other file, whatever the dataset asks for.
DatasetInfo describe_dataset(hid_t dataset, const std::string& path, Index file_bytes,
                             const Location& where);

/// The same for one field of a dataset of a compound type.
DatasetInfo describe_field(hid_t dataset, const std::string& field, const std::string& path,
                           Index file_bytes, const Location& where);

}  // namespace paralogit::h5
