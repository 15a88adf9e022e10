#include "datatype.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace paralogit::h5 {

namespace {

/// Bit layout of a floating-point type.
struct FloatFields {
    std::size_t sign = 0;
    std::size_t exponent = 0;
    std::size_t exponent_bits = 0;
    std::size_t mantissa = 0;
    std::size_t mantissa_bits = 0;
    std::size_t bias = 0;
    bool has_implied_bit = false;

    bool operator==(const FloatFields&) const = default;
};

constexpr FloatFields ieee_half{15, 10, 5, 0, 10, 15, true};
constexpr FloatFields ieee_single{31, 23, 8, 0, 23, 127, true};
constexpr FloatFields ieee_double{63, 52, 11, 0, 52, 1023, true};

FloatFields fields_of(hid_t type, const Location& where) {
    FloatFields fields;
    check(H5Tget_fields(type, &fields.sign, &fields.exponent, &fields.exponent_bits,
                        &fields.mantissa, &fields.mantissa_bits),
          where, "read the layout of its floats");
    fields.bias = H5Tget_ebias(type);
    fields.has_implied_bit = H5Tget_norm(type) == H5T_NORM_IMPLIED;
    return fields;
}

std::size_t size_in_file(hid_t type, const Location& where) {
    const std::size_t size = H5Tget_size(type);
    if (size == 0) {
        fail(where, "cannot tell the size of its type (HDF5: " + library_message() + ")");
    }
    return size;
}

/// ", big-endian" where that is not the order of this machine.
std::string order_remark(hid_t type, const Location& where) {
    const H5T_order_t order = H5Tget_order(type);
    const H5T_order_t machine = H5Tget_order(H5T_NATIVE_INT);
    check(static_cast<int>(order), where, "tell the byte order of its type");
    if (order == machine || size_in_file(type, where) == 1) {
        return "";
    }
    return order == H5T_ORDER_BE   ? ", big-endian"
           : order == H5T_ORDER_LE ? ", little-endian"
                                   : ", of an unusual byte order";
}

TypeDescription describe_float(hid_t type, const Location& where) {
    const FloatFields fields = fields_of(type, where);
    const std::size_t size = size_in_file(type, where);
    TypeDescription description{
        .kind = ValueKind::real, .element_type = {}, .text = {}, .problem = {}};
    bool is_standard = true;
    if (size == 2 && fields == ieee_half) {
        description.element_type = ElementType::float16;
    } else if (fields.exponent_bits <= ieee_single.exponent_bits &&
               fields.mantissa_bits <= ieee_single.mantissa_bits) {
        description.element_type = ElementType::float32;
        is_standard = size == 4 && fields == ieee_single;
    } else {
        description.element_type = ElementType::float64;
        is_standard = size == 8 && fields == ieee_double;
    }
    description.text = is_standard
                           ? std::string(name_of(*description.element_type))
                           : fmt::format("float of {} bytes ({} bits of exponent, {} of mantissa)",
                                         size, fields.exponent_bits, fields.mantissa_bits);
    description.text += order_remark(type, where);
    return description;
}

TypeDescription describe_integer(hid_t type, const Location& where) {
    const std::size_t bits = H5Tget_precision(type);
    const std::size_t size = size_in_file(type, where);
    const bool is_signed =
        check(H5Tget_sign(type), where, "tell the sign of its type") == H5T_SGN_2;
    TypeDescription description{
        .kind = ValueKind::integer, .element_type = {}, .text = {}, .problem = {}};
    if (bits == 0 || bits > 64) {
        description.text = fmt::format("integer of {} bits", bits);
        description.problem =
            fmt::format("its integers have {} bits, and no more than 64 can be read", bits);
        return description;
    }
    if (bits <= 8) {
        description.element_type = is_signed ? ElementType::int8 : ElementType::uint8;
    } else if (bits <= 16) {
        description.element_type = is_signed ? ElementType::int16 : ElementType::uint16;
    } else if (bits <= 32) {
        description.element_type = is_signed ? ElementType::int32 : ElementType::uint32;
    } else {
        description.element_type = is_signed ? ElementType::int64 : ElementType::uint64;
    }
    description.text = 8 * size == bits && size_of(*description.element_type) == size
                           ? std::string(name_of(*description.element_type))
                           : fmt::format("{} integer of {} bits in {} bytes",
                                         is_signed ? "signed" : "unsigned", bits, size);
    description.text += order_remark(type, where);
    return description;
}

TypeDescription describe_enumeration(hid_t type, const Location& where) {
    const Handle base =
        own(H5Tget_super(type), H5Tclose, where, "read the type of its enumeration");
    TypeDescription description = describe_integer(base.get(), where);
    const std::map<std::uint64_t, std::string> names = names_of_enumeration(type, where);
    const std::map<std::uint64_t, std::string> boolean{{0, "FALSE"}, {1, "TRUE"}};
    if (names == boolean && size_in_file(base.get(), where) == 1) {
        description.kind = ValueKind::boolean;
        description.text = "boolean";
    } else {
        description.kind = ValueKind::enumeration;
        description.text =
            fmt::format("enumeration of {} names over {}", names.size(), description.text);
    }
    return description;
}

/// Whether a type is that of PyTables' and pandas' booleans: all the eight bits of a byte.
bool is_byte_of_bits(hid_t type) {
    return H5Tget_class(type) == H5T_BITFIELD && H5Tget_size(type) == 1 &&
           H5Tget_precision(type) == 8;
}

TypeDescription describe_bit_field(hid_t type) {
    if (!is_byte_of_bits(type)) {
        return {.kind = ValueKind::other, .element_type = {}, .text = "bit field", .problem = {}};
    }
    return {.kind = ValueKind::integer,
            .element_type = ElementType::uint8,
            .text = "bit field of 8 bits",
            .problem = {}};
}

TypeDescription describe_string(hid_t type, const Location& where) {
    const bool is_variable =
        check(H5Tis_variable_str(type), where, "tell the length of its strings") > 0;
    return {.kind = ValueKind::string,
            .element_type = {},
            .text = is_variable ? "strings of variable length"
                                : fmt::format("strings of {} bytes", size_in_file(type, where)),
            .problem = {}};
}

std::string name_of_class(H5T_class_t type_class) {
    switch (type_class) {
        case H5T_TIME:
            return "time";
        case H5T_OPAQUE:
            return "opaque";
        case H5T_COMPOUND:
            return "compound";
        case H5T_REFERENCE:
            return "reference";
        case H5T_VLEN:
            return "sequence of variable length";
        case H5T_ARRAY:
            return "array";
        default:
            return "unknown";
    }
}

hid_t native_type(ElementType type) {
    switch (type) {
        case ElementType::float16:
        case ElementType::float32:
            return H5T_NATIVE_FLOAT;
        case ElementType::float64:
            return H5T_NATIVE_DOUBLE;
        case ElementType::int8:
            return H5T_NATIVE_INT8;
        case ElementType::int16:
            return H5T_NATIVE_INT16;
        case ElementType::int32:
            return H5T_NATIVE_INT32;
        case ElementType::int64:
            return H5T_NATIVE_INT64;
        case ElementType::uint8:
            return H5T_NATIVE_UINT8;
        case ElementType::uint16:
            return H5T_NATIVE_UINT16;
        case ElementType::uint32:
            return H5T_NATIVE_UINT32;
        case ElementType::uint64:
            return H5T_NATIVE_UINT64;
    }
    throw Error(ExitCode::internal, "internal error: an element type has no number of a type");
}

}  // namespace

TypeDescription describe_type(hid_t type, const Location& where) {
    const H5T_class_t type_class = H5Tget_class(type);
    switch (type_class) {
        case H5T_INTEGER:
            return describe_integer(type, where);
        case H5T_FLOAT:
            return describe_float(type, where);
        case H5T_ENUM:
            return describe_enumeration(type, where);
        case H5T_STRING:
            return describe_string(type, where);
        case H5T_BITFIELD:
            return describe_bit_field(type);
        default:
            return {.kind = ValueKind::other,
                    .element_type = {},
                    .text = name_of_class(type_class),
                    .problem = {}};
    }
}

std::vector<std::string> names_of_fields(hid_t type, const Location& where) {
    std::vector<std::string> fields;
    if (H5Tget_class(type) != H5T_COMPOUND) {
        return fields;
    }
    const int count = check(H5Tget_nmembers(type), where, "count the fields of its type");
    for (unsigned member = 0; member < static_cast<unsigned>(count); ++member) {
        const std::unique_ptr<char, herr_t (*)(void*)> name{H5Tget_member_name(type, member),
                                                            H5free_memory};
        fields.emplace_back(name ? name.get() : "");
    }
    return fields;
}

Handle type_of_field(hid_t dataset, const std::string& field, const Location& where) {
    const Handle type = own(H5Dget_type(dataset), H5Tclose, where, "read its type");
    const int member = check(H5Tget_member_index(type.get(), field.c_str()), where, "find a field");
    return own(H5Tget_member_type(type.get(), static_cast<unsigned>(member)), H5Tclose, where,
               "read the type of a field");
}

Handle memory_type(ElementType type, const Location& where) {
    Handle result = own(H5Tcopy(native_type(type)), H5Tclose, where, "make a memory type");
    if (type == ElementType::float16) {
        // The fields must fit before the size shrinks around them.
        check(H5Tset_fields(result.get(), ieee_half.sign, ieee_half.exponent,
                            ieee_half.exponent_bits, ieee_half.mantissa, ieee_half.mantissa_bits),
              where, "make the type float16");
        check(H5Tset_size(result.get(), 2), where, "make the type float16");
        check(H5Tset_ebias(result.get(), ieee_half.bias), where, "make the type float16");
    }
    return result;
}

Handle memory_type_for(hid_t stored, ElementType type, const Location& where) {
    if (is_byte_of_bits(stored) && type == ElementType::uint8) {
        return own(H5Tcopy(H5T_NATIVE_B8), H5Tclose, where, "make a memory type");
    }
    return memory_type(type, where);
}

bool has_memory_layout(hid_t stored, ElementType type, const Location& where) {
    if (is_byte_of_bits(stored)) {
        return type == ElementType::uint8;
    }
    const Handle memory = memory_type(type, where);
    const Handle numbers =
        H5Tget_class(stored) == H5T_ENUM
            ? own(H5Tget_super(stored), H5Tclose, where, "read the type of its enumeration")
            : own(H5Tcopy(stored), H5Tclose, where, "copy its type");
    if (size_of(type) == 1 && size_in_file(numbers.get(), where) == 1) {
        // One byte has an order on paper only.
        check(H5Tset_order(numbers.get(), H5Tget_order(memory.get())), where, "compare types");
    }
    return check(H5Tequal(numbers.get(), memory.get()), where, "compare types") > 0;
}

std::map<std::uint64_t, std::string> names_of_enumeration(hid_t type, const Location& where) {
    const Handle base =
        own(H5Tget_super(type), H5Tclose, where, "read the type of its enumeration");
    const bool is_signed = H5Tget_sign(base.get()) == H5T_SGN_2;
    const int count = check(H5Tget_nmembers(type), where, "count the names of its enumeration");
    std::map<std::uint64_t, std::string> names;
    // HDF5 converts in place: the buffer holds the stored integer and then the one of 64 bits.
    const std::size_t size = size_in_file(base.get(), where);
    std::vector<std::byte> buffer(std::max(size, sizeof(std::uint64_t)));
    for (unsigned member = 0; member < static_cast<unsigned>(count); ++member) {
        check(H5Tget_member_value(type, member, buffer.data()), where, "read an enumeration");
        check(H5Tconvert(base.get(), is_signed ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64, 1,
                         buffer.data(), nullptr, H5P_DEFAULT),
              where, "read an enumeration");
        std::uint64_t value = 0;
        std::copy_n(buffer.data(), sizeof value, reinterpret_cast<std::byte*>(&value));
        const std::unique_ptr<char, herr_t (*)(void*)> name{H5Tget_member_name(type, member),
                                                            H5free_memory};
        if (!name) {
            fail(where, "cannot read an enumeration (HDF5: " + library_message() + ")");
        }
        names[value] = name.get();
    }
    return names;
}

}  // namespace paralogit::h5
