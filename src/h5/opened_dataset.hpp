#pragma once

#include "handle.hpp"
#include "opened_file.hpp"

namespace paralogit::h5 {

/// What an open dataset consists of.
struct Dataset::Impl {
    Location where;
    Handle dataset;
    Handle type;           ///< as stored
    int descriptor = -1;   ///< of its file
    Index file_bytes = 0;  ///< when the file was opened
};

/// Access with a chunk cache that holds one row of chunks, so that neighbouring bands inflate none
/// of them twice.
Handle dataset_access(const DatasetInfo& info, const Location& where);

}  // namespace paralogit::h5
