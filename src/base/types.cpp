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
    bool is_float;
    bool is_signed;
    int digits;  ///< to base 2, without the sign
};

constexpr std::array<TypeEntry, 11> type_table{{
    {ElementType::float16, "float16", 2, true, true, 11},
    {ElementType::float32, "float32", 4, true, true, 24},
    {ElementType::float64, "float64", 8, true, true, 53},
    {ElementType::int8, "int8", 1, false, true, 7},
    {ElementType::int16, "int16", 2, false, true, 15},
    {ElementType::int32, "int32", 4, false, true, 31},
    {ElementType::int64, "int64", 8, false, true, 63},
    {ElementType::uint8, "uint8", 1, false, false, 8},
    {ElementType::uint16, "uint16", 2, false, false, 16},
    {ElementType::uint32, "uint32", 4, false, false, 32},
    {ElementType::uint64, "uint64", 8, false, false, 64},
}};

const TypeEntry& entry_of(ElementType type) {
    return type_table.at(static_cast<std::size_t>(type));
}

/// Whether every value of `part` is one of `whole`.
bool holds(const TypeEntry& whole, const TypeEntry& part) {
    return (whole.is_float || !part.is_float) && (whole.is_signed || !part.is_signed) &&
           whole.digits >= part.digits;
}

}  // namespace

std::size_t size_of(ElementType type) {
    return entry_of(type).size;
}

std::string_view name_of(ElementType type) {
    return entry_of(type).name;
}

std::optional<ElementType> common_type(ElementType first, ElementType second) {
    const TypeEntry* best = nullptr;
    for (const TypeEntry& entry : type_table) {
        const bool is_better = best == nullptr || entry.size < best->size ||
                               (entry.size == best->size && best->is_float);
        if (is_better && holds(entry, entry_of(first)) && holds(entry, entry_of(second))) {
            best = &entry;
        }
    }
    return best == nullptr ? std::nullopt : std::optional(best->type);
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
