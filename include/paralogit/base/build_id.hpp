#pragma once

#include <string>

namespace paralogit {

/// The number that the linker gave to this program, in hexadecimal: another one for any other
/// source, compiler or setting. Empty where the linker gave none.
std::string build_id();

}  // namespace paralogit
