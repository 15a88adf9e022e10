#pragma once

#include <cstdint>
#include <cstring>

#include "paralogit/base/checked.hpp"
#include "paralogit/base/types.hpp"

namespace paralogit::data {

template <class Integer>
Integer load_as(const std::byte* from) {
    Integer value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

/// Calls `action` with a value of the C++ type of stored integers.
template <class Action>
decltype(auto) with_integer_type(ElementType type, const Action& action) {
    switch (type) {
        case ElementType::int8:
            return action(std::int8_t{});
        case ElementType::int16:
            return action(std::int16_t{});
        case ElementType::int32:
            return action(std::int32_t{});
        case ElementType::int64:
            return action(std::int64_t{});
        case ElementType::uint8:
            return action(std::uint8_t{});
        case ElementType::uint16:
            return action(std::uint16_t{});
        case ElementType::uint32:
            return action(std::uint32_t{});
        case ElementType::uint64:
            return action(std::uint64_t{});
        default:
            throw Error(ExitCode::internal, "internal error: integers were expected");
    }
}

}  // namespace paralogit::data
