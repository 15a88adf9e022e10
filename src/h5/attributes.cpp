#include <algorithm>
#include <initializer_list>
#include <memory>

#include "links.hpp"
#include "opened_file.hpp"
#include "strings.hpp"

namespace paralogit::h5 {

namespace {

/// The object that hard links lead to; not open when there is none.
Handle open_object(const std::optional<KnownObjects>& known, hid_t file, hid_t access,
                   const std::string& path, const Location& where) {
    if (known && (known->has_group(path) || known->dataset(path) != nullptr)) {
        return own(H5Oopen(file, path.c_str(), access), H5Oclose, where.inside(path),
                   "open the object");
    }
    const Resolution found = resolve(file, access, path, where);
    if (!found.problem.empty()) {
        return {};
    }
    if (!found.parent.is_open()) {
        return own(H5Gopen2(file, "/", access), H5Gclose, where, "open the root group");
    }
    return own(H5Oopen(found.parent.get(), found.name.c_str(), access), H5Oclose,
               where.inside(found.path), "open the object");
}

constexpr std::size_t most_values = 64;

herr_t keep_name(hid_t /*object*/, const char* name, const H5A_info_t* /*info*/, void* names) {
    static_cast<std::vector<std::string>*>(names)->emplace_back(name);
    return 0;
}

/// An attribute and what its values are; not open when there is none of those classes.
struct Attribute {
    Handle attribute;
    std::size_t values = 0;
};

Attribute open_attribute(const Handle& object, const std::string& name,
                         std::initializer_list<H5T_class_t> wanted, const Location& where) {
    if (!object.is_open() ||
        check(H5Aexists(object.get(), name.c_str()), where, "look for the attribute") == 0) {
        return {};
    }
    Attribute result;
    result.attribute = own(H5Aopen(object.get(), name.c_str(), H5P_DEFAULT), H5Aclose, where,
                           "open the attribute");
    const Handle type =
        own(H5Aget_type(result.attribute.get()), H5Tclose, where, "read the type of the attribute");
    if (std::ranges::find(wanted, H5Tget_class(type.get())) == wanted.end()) {
        return {};
    }
    const Handle space = own(H5Aget_space(result.attribute.get()), H5Sclose, where,
                             "read the shape of the attribute");
    result.values = static_cast<std::size_t>(
        check(H5Sget_simple_extent_npoints(space.get()), where, "read the shape of the attribute"));
    return result;
}

}  // namespace

std::optional<std::string> File::text_attribute_of(const std::string& object,
                                                   const std::string& name) const {
    const Location where = impl_->where.inside(object + "/@" + name);
    const Attribute found = open_attribute(
        open_object(impl_->known, impl_->file.get(), impl_->access.get(), object, impl_->where),
        name, {H5T_STRING}, where);
    if (found.values != 1) {
        return std::nullopt;
    }
    return read_text_attribute(found.attribute.get(), where);
}

std::vector<std::string> File::texts_attribute_of(const std::string& object,
                                                  const std::string& name) const {
    constexpr std::size_t most_texts = 1'000'000;
    const Location where = impl_->where.inside(object + "/@" + name);
    const Attribute found = open_attribute(
        open_object(impl_->known, impl_->file.get(), impl_->access.get(), object, impl_->where),
        name, {H5T_STRING}, where);
    if (found.values == 0 || found.values > most_texts) {
        return {};
    }
    return read_texts_attribute(found.attribute.get(), found.values, where);
}

std::vector<std::string> File::attribute_names_of(const std::string& object) const {
    std::vector<std::string> names;
    const Handle opened =
        open_object(impl_->known, impl_->file.get(), impl_->access.get(), object, impl_->where);
    if (opened.is_open()) {
        check(H5Aiterate2(opened.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, keep_name, &names),
              impl_->where.inside(object), "list its attributes");
    }
    return names;
}

std::vector<std::string> File::scales_of(const std::string& dataset, std::size_t dimension) const {
    const Location where = impl_->where.inside(dataset + "/@DIMENSION_LIST");
    const Handle object =
        open_object(impl_->known, impl_->file.get(), impl_->access.get(), dataset, impl_->where);
    const Attribute found = open_attribute(object, "DIMENSION_LIST", {H5T_VLEN}, where);
    if (found.values <= dimension || found.values > H5S_MAX_RANK) {
        return {};
    }
    const Handle stored = own(H5Aget_type(found.attribute.get()), H5Tclose, where, "read its type");
    const Handle element = own(H5Tget_super(stored.get()), H5Tclose, where, "read its type");
    if (check(H5Tequal(element.get(), H5T_STD_REF_OBJ), where, "read its type") == 0) {
        return {};
    }
    const Handle memory =
        own(H5Tvlen_create(H5T_STD_REF_OBJ), H5Tclose, where, "make a memory type");
    const Handle space =
        own(H5Aget_space(found.attribute.get()), H5Sclose, where, "read its shape");
    std::vector<hvl_t> lists(found.values);
    check(H5Aread(found.attribute.get(), memory.get(), lists.data()), where, "read the attribute");
    // The library allocated them; it frees them however this function is left.
    const auto reclaim = [&](hvl_t* all) {
        H5Dvlen_reclaim(memory.get(), space.get(), H5P_DEFAULT, all);
    };
    const std::unique_ptr<hvl_t, decltype(reclaim)> owner(lists.data(), reclaim);
    std::vector<std::string> paths;
    const hvl_t& list = lists[dimension];
    for (std::size_t i = 0; i < list.len; ++i) {
        constexpr std::size_t longest_path = 4096;
        std::vector<char> path(longest_path, '\0');
        // A reference that leads nowhere tells nothing.
        if (H5Rget_name(object.get(), H5R_OBJECT, static_cast<const hobj_ref_t*>(list.p) + i,
                        path.data(), path.size() - 1) > 0) {
            paths.emplace_back(path.data());
        }
    }
    return paths;
}

std::vector<Index> File::integers_attribute_of(const std::string& object,
                                               const std::string& name) const {
    const Location where = impl_->where.inside(object + "/@" + name);
    const Attribute found = open_attribute(
        open_object(impl_->known, impl_->file.get(), impl_->access.get(), object, impl_->where),
        name, {H5T_INTEGER}, where);
    if (found.values == 0 || found.values > most_values) {
        return {};
    }
    std::vector<Index> values(found.values);
    check(H5Aread(found.attribute.get(), H5T_NATIVE_INT64, values.data()), where,
          "read the attribute");
    return values;
}

std::vector<double> File::numbers_attribute_of(const std::string& object,
                                               const std::string& name) const {
    const Location where = impl_->where.inside(object + "/@" + name);
    const Attribute found = open_attribute(
        open_object(impl_->known, impl_->file.get(), impl_->access.get(), object, impl_->where),
        name, {H5T_INTEGER, H5T_FLOAT}, where);
    if (found.values == 0 || found.values > most_values) {
        return {};
    }
    std::vector<double> values(found.values);
    check(H5Aread(found.attribute.get(), H5T_NATIVE_DOUBLE, values.data()), where,
          "read the attribute");
    return values;
}

}  // namespace paralogit::h5
