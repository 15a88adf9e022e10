#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace paralogit {

/// The types in which features lie in a file and in memory. They are widened to double in
/// registers, never in memory.
enum class ElementType : std::uint8_t {
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
};

/// Bytes of one element.
std::size_t size_of(ElementType type);

/// The name as users write it: "float32".
std::string_view name_of(ElementType type);

/// The smallest type that holds every value of both, an integer type where both are; empty when
/// there is none.
std::optional<ElementType> common_type(ElementType first, ElementType second);

/// The inverse of name_of. Throws Error (usage) that lists the names when there is none.
ElementType element_type_from_name(std::string_view name);

}  // namespace paralogit
