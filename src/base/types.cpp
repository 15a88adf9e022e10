#include "paralogit/base/types.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <vector>

#include "paralogit/base/error.hpp"

namespace paralogit {

namespace {

struct TypeEntry {
    ElementType type;
    std::string_view name;
    std::size_t size;
};

constexpr std::array<TypeEntry, 11> type_table{{
    {ElementType::float16, "float16", 2},
    {ElementType::float32, "float32", 4},
    {ElementType::float64, "float64", 8},
    {ElementType::int8, "int8", 1},
    {ElementType::int16, "int16", 2},
    {ElementType::int32, "int32", 4},
    {ElementType::int64, "int64", 8},
    {ElementType::uint8, "uint8", 1},
    {ElementType::uint16, "uint16", 2},
    {ElementType::uint32, "uint32", 4},
    {ElementType::uint64, "uint64", 8},
}};

const TypeEntry& entry_of(ElementType type) {
    return type_table.at(static_cast<std::size_t>(type));
}

}  // namespace

std::size_t size_of(ElementType type) {
    return entry_of(type).size;
}

std::string_view name_of(ElementType type) {
    return entry_of(type).name;
}

ElementType element_type_from_name(std::string_view name) {
    std::vector<std::string_view> names;
    for (const TypeEntry& entry : type_table) {
        if (entry.name == name) {
            return entry.type;
        }
        names.push_back(entry.name);
    }
    throw Error(ExitCode::usage, fmt::format("'{}' is not an element type; the types are {}", name,
                                             fmt::join(names, ", ")));
}

}  // namespace paralogit
