#pragma once

#include <optional>
#include <string>

#include "handle.hpp"

namespace paralogit::h5 {

/// An object that hard links lead to, or why there is none.
struct Resolution {
    std::string path;     ///< absolute, without empty components
    std::string problem;  ///< empty when the object is there
    Handle parent;        ///< the group of the last link; not open for the root group itself
    std::string name;     ///< of the last link
    H5O_type_t type = H5O_TYPE_UNKNOWN;
};

/// Link access that refuses to open other files, should a call ever meet an external link.
Handle link_access(const Location& where);

/// Walks a path component by component; anything but a hard link ends the walk.
Resolution resolve(hid_t file, hid_t access, const std::string& path,
                   const Location& file_location);

/// For people: "external link to other.h5:/x", "soft link to /x"; empty for a hard link.
std::string describe_link(hid_t group, const std::string& name, const H5L_info_t& info,
                          hid_t access, const Location& where);

/// Where a soft link of the group `parent` leads; empty for other links.
std::string soft_link_target(hid_t group, const std::string& parent, const std::string& name,
                             const H5L_info_t& info, hid_t access, const Location& where);

}  // namespace paralogit::h5
