#pragma once

#include <functional>
#include <string>
#include <vector>

#include "layout.hpp"

namespace paralogit::data {

/// A link, or an object that cannot be read, that may be what is meant by its name.
struct Unfollowed {
    /// Its own path, and what else is known of what it leads to.
    h5::DatasetInfo info;
    bool is_known = false;  ///< whether that is anything
    bool is_link = false;   ///< and not damaged
    std::string text;       ///< for lists: "/y (not followed: soft link to /labels_v3)"
    std::string advice;     ///< what to do where it is meant
};

/// Those whose path is wanted, without links to a group of no matrix, and without those to what is
/// wanted by its own name. `option` is the one that names a dataset, such as "labels-name".
std::vector<Unfollowed> find_unfollowed(const Contents& contents,
                                        const std::function<bool(const std::string&)>& is_wanted,
                                        const std::string& option);

/// The same for the one link that has this path; without what is no link, or leads to a group.
std::vector<Unfollowed> find_links(const Contents& contents, const std::string& path,
                                   const std::string& option);

}  // namespace paralogit::data
