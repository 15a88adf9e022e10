#pragma once

#include <string>

#include "paralogit/base/error.hpp"
#include "paralogit/base/types.hpp"

namespace paralogit::data {

/// What changes when a file is replaced, cut or written to.
struct FileState {
    Index bytes = 0;
    Index modified_nanoseconds = 0;  ///< since 1970

    bool operator==(const FileState&) const = default;
};

/// Throws Error (input_data) when the file cannot be asked.
FileState state_of(const std::string& path);

/// The same of an open file; `path` is for the message.
FileState state_of(int descriptor, const std::string& path);

}  // namespace paralogit::data
