#include "unfollowed.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "paralogit/base/command_text.hpp"
#include "text.hpp"

namespace paralogit::data {

namespace {

using h5::DatasetInfo;
using h5::SkippedLink;

/// Where a link leads by the names under which groups are listed, for a group may have several.
std::string target_of(const Contents& contents, const SkippedLink& link) {
    for (const SkippedLink& other : contents.listing.skipped) {
        const bool is_listed_elsewhere = other.is_known_group && !other.target.empty();
        if (is_listed_elsewhere && (link.target + "/").starts_with(other.path + "/")) {
            return (other.target == "/" ? "" : other.target) +
                   link.target.substr(other.path.size());
        }
    }
    return link.target;
}

const DatasetInfo* find_target(const Contents& contents, const std::string& target) {
    const auto found = std::ranges::find(contents.candidates, target, &DatasetInfo::path);
    return found == contents.candidates.end() ? nullptr : &*found;
}

bool is_link(const SkippedLink& link) {
    return !link.target.empty() || link.reason.starts_with("external link");
}

std::string advice_on(const SkippedLink& link, bool is_target_there, const std::string& option) {
    const std::string path = printable(link.path);
    if (is_target_there) {
        return fmt::format("for what {} links to use {}", path, option_text(option, link.target));
    }
    if (!link.target.empty()) {
        return fmt::format(
            "{} leads to nothing that was found in this file: remove it, or write in "
            "its place what it should lead to",
            path);
    }
    return is_link(link)
               ? fmt::format(
                     "{} leads into another file, and only what lies in this one is read: "
                     "write into it, in place of the link, what that leads to",
                     path)
               : fmt::format("{} cannot be read: write it again", path);
}

}  // namespace

std::vector<Unfollowed> find_unfollowed(const Contents& contents,
                                        const std::function<bool(const std::string&)>& is_wanted,
                                        const std::string& option) {
    std::vector<Unfollowed> found;
    for (const SkippedLink& link : contents.listing.skipped) {
        const std::string path = target_of(contents, link);
        const DatasetInfo* const target = find_target(contents, path);
        const bool is_group =
            link.is_known_group ||
            (target == nullptr &&
             std::ranges::find(contents.listing.groups, path) != contents.listing.groups.end());
        if (is_group || !is_wanted(link.path) || (target != nullptr && is_wanted(target->path))) {
            continue;
        }
        Unfollowed unfollowed;
        if (target != nullptr) {
            unfollowed.info = *target;
        }
        unfollowed.info.path = link.path;
        unfollowed.is_known = target != nullptr;
        unfollowed.is_link = is_link(link);
        unfollowed.text = fmt::format("{} (not followed: {})", printable(link.path), link.reason);
        unfollowed.advice = advice_on(link, target != nullptr, option);
        found.push_back(std::move(unfollowed));
    }
    return found;
}

std::vector<Unfollowed> find_links(const Contents& contents, const std::string& path,
                                   const std::string& option) {
    std::vector<Unfollowed> found = find_unfollowed(
        contents, [&](const std::string& other) { return other == path; }, option);
    std::erase_if(found, [](const Unfollowed& other) { return !other.is_link; });
    return found;
}

}  // namespace paralogit::data
