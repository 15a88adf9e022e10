#pragma once

#include <filesystem>

#include "handle.hpp"
#include "links.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::h5 {

/// What an open file consists of.
struct File::Impl {
    std::filesystem::path path;
    Location where;
    Handle access;  ///< of links
    Handle file;
    int descriptor = -1;  ///< HDF5's own, not ours to close
    Index bytes = 0;      ///< when it was opened
};

/// Size of an open file now.
Index size_of_open_file(int descriptor, const Location& where);

}  // namespace paralogit::h5
