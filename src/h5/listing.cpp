#include <fmt/format.h>

#include <map>

#include "opened_file.hpp"
#include "storage.hpp"

namespace paralogit::h5 {

namespace {

constexpr std::size_t most_objects = 10'000;
constexpr int deepest_group = 64;

struct NamedLink {
    std::string name;
    H5L_info_t info;
};

/// The links of one group, to a limit.
struct LinkList {
    std::vector<NamedLink> links;
    std::size_t limit = 0;
};

/// Called by C, so no exception may pass. A positive result ends the iteration, a negative one
/// fails it.
herr_t keep_link(hid_t /*group*/, const char* name, const H5L_info_t* info, void* data) {
    auto& list = *static_cast<LinkList*>(data);
    if (list.links.size() == list.limit) {
        return 1;
    }
    try {
        list.links.push_back({name, *info});
    } catch (...) {
        return -1;
    }
    return 0;
}

/// Walks the groups of a file by their hard links, each group once.
class Walk {
  public:
    Walk(hid_t access, Index file_bytes, const Location& where)
        : access_(access), file_bytes_(file_bytes), where_(where) {}

    void enter(const Handle& group, const std::string& path, haddr_t address, int depth);
    Listing take() { return std::move(listing_); }

  private:
    void visit(const Handle& group, const NamedLink& link, const std::string& path, int depth);
    void skip(const std::string& path, const std::string& reason) {
        listing_.skipped.push_back({path, reason});
    }

    hid_t access_;
    Index file_bytes_;
    Location where_;
    std::size_t objects_ = 0;
    std::map<haddr_t, std::string> groups_by_address_;
    Listing listing_;
};

void Walk::enter(const Handle& group, const std::string& path, haddr_t address, int depth) {
    groups_by_address_[address] = path.empty() ? "/" : path;
    LinkList list{{}, most_objects - objects_};
    const herr_t status =
        H5Literate(group.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, keep_link, &list);
    if (status < 0) {
        skip(path.empty() ? "/" : path, "damaged group (HDF5: " + library_message() + ")");
    }
    listing_.is_complete = listing_.is_complete && status == 0;
    for (const NamedLink& link : list.links) {
        if (objects_ == most_objects) {
            listing_.is_complete = false;
            return;
        }
        ++objects_;
        const std::string child = path + "/" + link.name;
        // One damaged object must not hide the others.
        try {
            visit(group, link, child, depth);
        } catch (const Error& error) {
            const std::string text = error.what();
            const std::string place = where_.inside(child).text + ": ";
            skip(child, text.starts_with(place) ? text.substr(place.size()) : text);
        }
    }
}

void Walk::visit(const Handle& group, const NamedLink& link, const std::string& path, int depth) {
    const Location where = where_.inside(path);
    const std::string other_link = describe_link(group.get(), link.name, link.info, access_, where);
    if (!other_link.empty()) {
        skip(path, other_link);
        listing_.skipped.back().target =
            soft_link_target(group.get(), path.substr(0, path.find_last_of('/')), link.name,
                             link.info, access_, where);
        return;
    }
    // Opened by its name once: to ask for its type by name first would be to look for it twice.
    const Handle opened =
        own(H5Oopen(group.get(), link.name.c_str(), access_), H5Oclose, where, "read the object");
    const H5I_type_t type = H5Iget_type(opened.get());
    if (type == H5I_DATASET) {
        listing_.datasets.push_back(describe_dataset(opened.get(), path, file_bytes_, where));
    } else if (type == H5I_GROUP) {
        H5O_info_t object{};
        check(H5Oget_info2(opened.get(), &object, H5O_INFO_BASIC), where, "read the object");
        const auto seen = groups_by_address_.find(object.addr);
        if (seen != groups_by_address_.end()) {
            skip(path, "the same group as " + printable(seen->second));
            listing_.skipped.back().target = seen->second;
            listing_.skipped.back().is_known_group = true;
        } else if (depth == deepest_group) {
            skip(path, fmt::format("deeper than {} groups", deepest_group));
            listing_.skipped.back().is_known_group = true;
            listing_.is_complete = false;
        } else {
            listing_.groups.push_back(path);
            enter(opened, path, object.addr, depth + 1);
        }
    }
}

}  // namespace

KnownObjects::KnownObjects(const Listing& listing)
    : groups_(listing.groups.begin(), listing.groups.end()), is_complete_(listing.is_complete) {
    for (const DatasetInfo& info : listing.datasets) {
        datasets_.emplace(info.path, info);
    }
    // What was not followed is not known.
    for (const SkippedLink& link : listing.skipped) {
        skipped_.insert(link.path);
    }
}

const DatasetInfo* KnownObjects::dataset(const std::string& path) const {
    const auto found = datasets_.find(path);
    return found == datasets_.end() ? nullptr : &found->second;
}

bool KnownObjects::is_no_dataset(const std::string& path) const {
    const std::size_t slash = path.find_last_of('/');
    if (!is_complete_ || slash == std::string::npos || datasets_.contains(path) ||
        skipped_.contains(path)) {
        return false;
    }
    const std::string name = path.substr(slash + 1);
    if (name.empty() || name == ".") {
        return false;
    }
    const std::string parent = path.substr(0, slash);
    const DatasetInfo* const table = dataset(parent);
    return table != nullptr ? table->fields.empty() : parent.empty() || has_group(parent);
}

Listing File::list() const {
    const Handle root = own(H5Gopen2(impl_->file.get(), "/", impl_->access.get()), H5Gclose,
                            impl_->where, "open the root group");
    H5O_info_t object{};
    check(H5Oget_info2(root.get(), &object, H5O_INFO_BASIC), impl_->where, "read the root group");
    Walk walk(impl_->access.get(), impl_->bytes, impl_->where);
    walk.enter(root, "", object.addr, 0);
    Listing listing = walk.take();
    impl_->known.emplace(listing);
    return listing;
}

}  // namespace paralogit::h5
