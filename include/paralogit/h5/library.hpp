#pragma once

#include <string>

namespace paralogit::h5 {

/// Before any other use: no HDF5 diagnostics on stderr (errors become Error), no plugins, which
/// would run code that a data file asks for, and no cleaning up at exit, which crashes after a file
/// that could not be closed. May be called again; File and Writer call it themselves.
void prepare_library();

/// "1.10.8"
std::string library_version();

}  // namespace paralogit::h5
