#include "strings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "opened_dataset.hpp"
#include "paralogit/base/checked.hpp"

namespace paralogit::h5 {

namespace {

constexpr std::size_t longest_string = std::size_t{1} << 20;

void check_length(std::size_t length, const Location& where) {
    if (length > longest_string) {
        fail(where, fmt::format("a string has {} bytes; more than {} are not read", length,
                                longest_string));
    }
}

/// A stored string without what fills it up.
std::string without_padding(const char* text, std::size_t size, H5T_str_t padding) {
    std::string result(text, size);
    switch (padding) {
        case H5T_STR_NULLTERM:
            return result.substr(0, std::min(result.find('\0'), size));
        case H5T_STR_SPACEPAD:
            return result.substr(0, result.find_last_not_of(' ') + 1);
        default:
            return result.substr(0, result.find_last_not_of('\0') + 1);
    }
}

bool is_variable(hid_t type, const Location& where) {
    return check(H5Tis_variable_str(type), where, "tell the length of its strings") > 0;
}

/// Strings of variable length in the character set that is stored, for HDF5 converts none.
Handle variable_memory_type(hid_t type, const Location& where) {
    Handle memory = own(H5Tcopy(H5T_C_S1), H5Tclose, where, "make a memory type");
    check(H5Tset_size(memory.get(), H5T_VARIABLE), where, "make a memory type");
    check(H5Tset_cset(memory.get(), check(H5Tget_cset(type), where, "read its character set")),
          where, "make a memory type");
    return memory;
}

std::vector<std::string> read_variable(hid_t dataset, hid_t type, const std::string& field,
                                       hid_t memory_space, hid_t file_space, std::size_t count,
                                       const Location& where) {
    const Handle memory = type_in_field(variable_memory_type(type, where), field, where);
    std::vector<char*> pointers(count, nullptr);
    const Handle transfer = own(H5Pcreate(H5P_DATASET_XFER), H5Pclose, where, "prepare to read");
    if (field.empty()) {
        constexpr std::size_t stored_bytes = 16;  // a length and a place in the file
        fit_conversion_buffer(transfer.get(), count * stored_bytes, where);
    }
    check(H5Dread(dataset, memory.get(), memory_space, file_space, transfer.get(), pointers.data()),
          where, "read the strings");
    // The library allocated them; it frees them however this function is left.
    const auto reclaim = [&](char** strings) {
        H5Dvlen_reclaim(memory.get(), memory_space, H5P_DEFAULT, static_cast<void*>(strings));
    };
    const std::unique_ptr<char*, decltype(reclaim)> owner(pointers.data(), reclaim);
    std::vector<std::string> strings;
    strings.reserve(count);
    for (const char* pointer : pointers) {
        const char* text = pointer == nullptr ? "" : pointer;
        check_length(::strnlen(text, longest_string + 1), where);
        strings.emplace_back(text);
    }
    return strings;
}

}  // namespace

std::vector<std::string> read_selected_strings(hid_t dataset, hid_t type, const std::string& field,
                                               hid_t memory_space, hid_t file_space, Index count,
                                               const Location& where) {
    if (is_variable(type, where)) {
        return read_variable(dataset, type, field, memory_space, file_space,
                             narrow<std::size_t>(count), where);
    }
    const std::size_t size = H5Tget_size(type);
    check_length(size, where);
    const H5T_str_t padding = check(H5Tget_strpad(type), where, "read how its strings are padded");
    std::vector<char> bytes(narrow<std::size_t>(count) * size);
    const Handle memory =
        type_in_field(own(H5Tcopy(type), H5Tclose, where, "make a memory type"), field, where);
    check(H5Dread(dataset, memory.get(), memory_space, file_space, H5P_DEFAULT, bytes.data()),
          where, "read the strings");
    std::vector<std::string> strings;
    strings.reserve(narrow<std::size_t>(count));
    for (std::size_t begin = 0; begin < bytes.size(); begin += size) {
        strings.push_back(without_padding(bytes.data() + begin, size, padding));
    }
    return strings;
}

std::vector<std::string> read_texts_attribute(hid_t attribute, std::size_t count,
                                              const Location& where) {
    const Handle type =
        own(H5Aget_type(attribute), H5Tclose, where, "read the type of the attribute");
    std::vector<std::string> texts;
    texts.reserve(count);
    if (is_variable(type.get(), where)) {
        const Handle memory = variable_memory_type(type.get(), where);
        std::vector<char*> pointers(count, nullptr);
        check(H5Aread(attribute, memory.get(), static_cast<void*>(pointers.data())), where,
              "read the attribute");
        const std::vector<char*>& all = pointers;
        const auto release = [&](char** /*first*/) {
            std::ranges::for_each(all, [](char* text) { H5free_memory(text); });
        };
        const std::unique_ptr<char*, decltype(release)> owner(pointers.data(), release);
        for (const char* text : pointers) {
            texts.emplace_back(text == nullptr ? "" : text);
        }
        return texts;
    }
    const std::size_t size = H5Tget_size(type.get());
    const H5T_str_t padding = H5Tget_strpad(type.get());
    std::vector<char> bytes(count * size);
    check(H5Aread(attribute, type.get(), bytes.data()), where, "read the attribute");
    for (std::size_t begin = 0; begin < bytes.size(); begin += size) {
        texts.push_back(without_padding(bytes.data() + begin, size, padding));
    }
    return texts;
}

std::string read_text_attribute(hid_t attribute, const Location& where) {
    const Handle type =
        own(H5Aget_type(attribute), H5Tclose, where, "read the type of the attribute");
    if (H5Tget_class(type.get()) != H5T_STRING) {
        fail(where, "the attribute should be a text");
    }
    return read_texts_attribute(attribute, 1, where).front();
}

}  // namespace paralogit::h5
