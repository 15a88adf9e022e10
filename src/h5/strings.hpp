#pragma once

#include <string>
#include <vector>

#include "handle.hpp"
#include "paralogit/base/types.hpp"

namespace paralogit::h5 {

/// The strings of a selection, of fixed length (without their padding) or of variable length; of
/// one field unless its name is empty. Throws Error for a string beyond 1 MiB: no label or name is
/// that long.
std::vector<std::string> read_selected_strings(hid_t dataset, hid_t type, const std::string& field,
                                               hid_t memory_space, hid_t file_space, Index count,
                                               const Location& where);

/// The texts of an attribute that holds so many values.
std::vector<std::string> read_texts_attribute(hid_t attribute, std::size_t count,
                                              const Location& where);

/// The text of an attribute that holds one value. Throws Error when it is not a string.
std::string read_text_attribute(hid_t attribute, const Location& where);

}  // namespace paralogit::h5
