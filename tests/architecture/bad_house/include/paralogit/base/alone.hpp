#pragma once
// Not built: headers.cmake must find that <string> is missing.

namespace paralogit {
std::string name();
}  // namespace paralogit
