#pragma once

#include "handle.hpp"
#include "opened_file.hpp"

namespace paralogit::h5 {

/// What an open dataset consists of.
struct Dataset::Impl {
    Location where;
    Handle dataset;
    Handle type;           ///< as stored; of the field when it is one
    std::string field;     ///< empty when it is the whole dataset
    int descriptor = -1;   ///< of its file
    Index file_bytes = 0;  ///< when the file was opened
};

/// The memory type for a field of a compound type, from that of its values; without a field the
/// latter.
Handle type_in_field(Handle memory, const std::string& field, const Location& where);

/// Throws Error when the file is shorter than it was when it was opened: HDF5 reads what a file has
/// lost as zeros, without an error.
void check_not_shortened(int descriptor, Index file_bytes, const Location& where);

/// Lets the library convert few values, of that many bytes as stored or in memory, in a smaller
/// buffer: it clears the whole of it before each reading, by default a megabyte.
void fit_conversion_buffer(hid_t transfer, std::size_t bytes, const Location& where);

/// Access with such a cache. Chunks without filters are read past it, unless they are small: it
/// would hold another copy of what is read, of columns as chunks one of all values.
Handle dataset_access(const DatasetInfo& info, ChunkCache cache, const Location& where);

}  // namespace paralogit::h5
