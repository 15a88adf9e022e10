#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "handle.hpp"
#include "links.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::h5 {

/// What a walk over all hard links of a file found, so that none of it is looked for again.
class KnownObjects {
  public:
    explicit KnownObjects(const Listing& listing);

    /// Null when it was not found; for a path from the root without empty components.
    const DatasetInfo* dataset(const std::string& path) const;
    bool has_group(const std::string& path) const { return groups_.contains(path); }
    /// Whether the walk went where the path leads, and there is no dataset. Else it may be one
    /// nevertheless, or a field.
    bool is_no_dataset(const std::string& path) const;

  private:
    std::map<std::string, DatasetInfo> datasets_;
    std::set<std::string> groups_;
    std::set<std::string> skipped_;
    bool is_complete_;
};

/// What an open file consists of.
struct File::Impl {
    std::filesystem::path path;
    Location where;
    Handle access;  ///< of links
    Handle file;
    int descriptor = -1;                ///< HDF5's own, not ours to close
    Index bytes = 0;                    ///< when it was opened
    std::optional<KnownObjects> known;  ///< after list()
};

/// Size of an open file now.
Index size_of_open_file(int descriptor, const Location& where);

}  // namespace paralogit::h5
