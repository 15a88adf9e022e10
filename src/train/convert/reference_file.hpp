#pragma once

#include "paralogit/data/import/reference.hpp"

namespace paralogit::train {

/// What a file that convert made says about its columns. Throws Error (input_data) when convert did
/// not make it of a table.
data::ReferenceTable read_reference(const std::string& path);

}  // namespace paralogit::train
