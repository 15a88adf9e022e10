#include "links.hpp"

#include <fmt/format.h>

#include <vector>

namespace paralogit::h5 {

namespace {

herr_t refuse(const char* /*parent_file*/, const char* /*parent_group*/, const char* /*file*/,
              const char* /*object*/, unsigned* /*flags*/, hid_t /*file_access*/, void* /*data*/) {
    return -1;
}

std::vector<std::string> components_of(const std::string& path) {
    std::vector<std::string> components;
    std::size_t begin = 0;
    while (begin <= path.size()) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        const std::string component = path.substr(begin, end - begin);
        if (!component.empty() && component != ".") {
            components.push_back(component);
        }
        begin = end + 1;
    }
    return components;
}

/// What a link that is not hard holds.
std::vector<char> value_of(hid_t group, const std::string& name, const H5L_info_t& info,
                           hid_t access, const Location& where) {
    // One byte more, so that a target without its terminator still ends.
    std::vector<char> value(info.u.val_size + 1, '\0');
    check(H5Lget_val(group, name.c_str(), value.data(), info.u.val_size, access), where,
          "read the target of the link");
    return value;
}

}  // namespace

Handle link_access(const Location& where) {
    Handle access = own(H5Pcreate(H5P_LINK_ACCESS), H5Pclose, where, "prepare link access");
    check(H5Pset_elink_cb(access.get(), refuse, nullptr), where, "refuse external links");
    return access;
}

Resolution resolve(hid_t file, hid_t access, const std::string& path,
                   const Location& file_location) {
    Resolution result;
    result.type = H5O_TYPE_GROUP;
    for (const std::string& component : components_of(path)) {
        if (result.type != H5O_TYPE_GROUP) {
            result.problem = fmt::format("{} is not a group", printable(result.path));
            return result;
        }
        // Go down into the group that the previous component named.
        const Location here = file_location.inside(result.path.empty() ? "/" : result.path);
        const bool is_first = result.path.empty();
        result.parent = own(H5Gopen2(is_first ? file : result.parent.get(),
                                     is_first ? "/" : result.name.c_str(), access),
                            H5Gclose, here, "open the group");
        result.path += "/" + component;
        result.name = component;
        const Location where = file_location.inside(result.path);
        if (check(H5Lexists(result.parent.get(), component.c_str(), access), where,
                  "look for the link") == 0) {
            result.problem = fmt::format("there is no {}", printable(result.path));
            return result;
        }
        H5L_info_t link{};
        check(H5Lget_info(result.parent.get(), component.c_str(), &link, access), where,
              "read the link");
        const std::string other_link =
            describe_link(result.parent.get(), component, link, access, where);
        if (!other_link.empty()) {
            result.problem = fmt::format(
                "{} is a link that is not followed: {}; only what lies in the file "
                "itself is read",
                printable(result.path), other_link);
            return result;
        }
        H5O_info_t object{};
        check(H5Oget_info_by_name2(result.parent.get(), component.c_str(), &object, H5O_INFO_BASIC,
                                   access),
              where, "read the object");
        result.type = object.type;
    }
    if (result.path.empty()) {
        result.path = "/";
    }
    return result;
}

std::string describe_link(hid_t group, const std::string& name, const H5L_info_t& info,
                          hid_t access, const Location& where) {
    if (info.type == H5L_TYPE_HARD) {
        return "";
    }
    if (info.type != H5L_TYPE_SOFT && info.type != H5L_TYPE_EXTERNAL) {
        return fmt::format("user-defined link of class {}", static_cast<int>(info.type));
    }
    const std::vector<char> value = value_of(group, name, info, access, where);
    if (info.type == H5L_TYPE_SOFT) {
        return "soft link to " + printable(value.data());
    }
    const char* target_file = nullptr;
    const char* target_object = nullptr;
    unsigned flags = 0;
    check(H5Lunpack_elink_val(value.data(), info.u.val_size, &flags, &target_file, &target_object),
          where, "read the target of the link");
    return fmt::format("external link to {}:{}", printable(target_file), printable(target_object));
}

std::string soft_link_target(hid_t group, const std::string& parent, const std::string& name,
                             const H5L_info_t& info, hid_t access, const Location& where) {
    if (info.type != H5L_TYPE_SOFT) {
        return "";
    }
    const std::string target = value_of(group, name, info, access, where).data();
    std::string path;
    for (const std::string& component :
         components_of(target.starts_with('/') ? target : parent + "/" + target)) {
        path += "/" + component;
    }
    return path;
}

}  // namespace paralogit::h5
