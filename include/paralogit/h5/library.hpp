#pragma once

#include <string>

namespace paralogit::h5 {

/// Before any other use: no HDF5 diagnostics on stderr (errors become Error), and no plugins, which
/// would run code that a data file asks for. May be called again.
void prepare_library();

/// "1.10.8"
std::string library_version();

}  // namespace paralogit::h5
