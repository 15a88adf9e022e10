#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "paralogit/base/error.hpp"

namespace paralogit::model {

// How the elements of a block become doubles. A loop over elements is a template over ElementType
// and is entered through with_element_type, so that the type costs one branch per block.

/// IEEE 754 binary16, from its bits; exact. The standard has no such type before C++23.
inline double widen_half(std::uint16_t bits) {
    constexpr std::uint64_t bias_difference = 1023 - 15;
    constexpr std::uint64_t double_infinity = std::uint64_t{0x7ff} << 52;

    const std::uint64_t exponent = (bits >> 10) & 0x1fU;
    const std::uint64_t mantissa = bits & 0x3ffU;
    const bool is_denormal = exponent == 0;
    const bool is_special = exponent == 0x1f;
    // A denormal has the exponent of the smallest normal number but no leading 1: take the 1 as
    // given and subtract it.
    const std::uint64_t wide_exponent = (is_denormal ? 1 : exponent) + bias_difference;
    const std::uint64_t wide =
        (is_special ? double_infinity : wide_exponent << 52) | (mantissa << 42);
    const double magnitude = std::bit_cast<double>(wide) - (is_denormal ? 0x1p-14 : 0.0);
    const std::uint64_t sign = static_cast<std::uint64_t>(bits >> 15) << 63;
    return std::bit_cast<double>(std::bit_cast<std::uint64_t>(magnitude) | sign);
}

/// The C++ type that holds an element; binary16 is held as its bits.
template <ElementType type>
struct ElementOf;
template <>
struct ElementOf<ElementType::float16> : std::type_identity<std::uint16_t> {};
template <>
struct ElementOf<ElementType::float32> : std::type_identity<float> {};
template <>
struct ElementOf<ElementType::float64> : std::type_identity<double> {};
template <>
struct ElementOf<ElementType::int8> : std::type_identity<std::int8_t> {};
template <>
struct ElementOf<ElementType::int16> : std::type_identity<std::int16_t> {};
template <>
struct ElementOf<ElementType::int32> : std::type_identity<std::int32_t> {};
template <>
struct ElementOf<ElementType::int64> : std::type_identity<std::int64_t> {};
template <>
struct ElementOf<ElementType::uint8> : std::type_identity<std::uint8_t> {};
template <>
struct ElementOf<ElementType::uint16> : std::type_identity<std::uint16_t> {};
template <>
struct ElementOf<ElementType::uint32> : std::type_identity<std::uint32_t> {};
template <>
struct ElementOf<ElementType::uint64> : std::type_identity<std::uint64_t> {};

/// Elements in memory of any alignment, read as doubles. Integers beyond 2^53 are rounded.
template <ElementType type>
class Elements {
  public:
    explicit Elements(const std::byte* values) : values_(values) {}

    double operator[](Index index) const {
        using Element = typename ElementOf<type>::type;
        Element element;
        std::memcpy(&element, values_ + index * static_cast<Index>(sizeof(Element)),
                    sizeof(Element));
        if constexpr (type == ElementType::float16) {
            return widen_half(element);
        } else {
            return static_cast<double>(element);
        }
    }

  private:
    const std::byte* values_;
};

/// Calls function(std::integral_constant<ElementType, type>).
template <typename Function>
decltype(auto) with_element_type(ElementType type, Function&& function) {
    using enum ElementType;
    const auto call = [&]<ElementType t>() -> decltype(auto) {
        return std::forward<Function>(function)(std::integral_constant<ElementType, t>{});
    };
    switch (type) {
        case float16:
            return call.template operator()<float16>();
        case float32:
            return call.template operator()<float32>();
        case float64:
            return call.template operator()<float64>();
        case int8:
            return call.template operator()<int8>();
        case int16:
            return call.template operator()<int16>();
        case int32:
            return call.template operator()<int32>();
        case int64:
            return call.template operator()<int64>();
        case uint8:
            return call.template operator()<uint8>();
        case uint16:
            return call.template operator()<uint16>();
        case uint32:
            return call.template operator()<uint32>();
        case uint64:
            return call.template operator()<uint64>();
    }
    throw Error(ExitCode::internal, "internal error: a block has an unknown element type");
}

}  // namespace paralogit::model
