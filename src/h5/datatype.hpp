#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "handle.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::h5 {

/// What the type of a dataset says about its values.
struct TypeDescription {
    ValueKind kind = ValueKind::other;
    std::optional<ElementType> element_type;
    std::string text;
    /// Empty unless no memory type can hold the values.
    std::string problem;
};

TypeDescription describe_type(hid_t type, const Location& where);

/// The names of a compound type, in their order; empty for any other type.
std::vector<std::string> names_of_fields(hid_t type, const Location& where);

/// The type of one field of a dataset of a compound type.
Handle type_of_field(hid_t dataset, const std::string& field, const Location& where);

/// The memory type of an element: for float16 built by hand, because this HDF5 knows none.
Handle memory_type(ElementType type, const Location& where);

/// The same to read values of `stored`: HDF5 makes no integers of bits.
Handle memory_type_for(hid_t stored, ElementType type, const Location& where);

/// Whether values of `stored`, or the integers of an enumeration, have the very bits of `type`.
bool has_memory_layout(hid_t stored, ElementType type, const Location& where);

/// Names of an enumeration by the 64-bit pattern of their integer.
std::map<std::uint64_t, std::string> names_of_enumeration(hid_t type, const Location& where);

}  // namespace paralogit::h5
