#pragma once

#include <limits>
#include <span>

#include "paralogit/base/bytes.hpp"
#include "paralogit/base/element_type.hpp"

namespace paralogit::data {

/// What must be known of finite numbers to choose the smallest type that holds each of them with
/// the same bits as a double.
class ValueRange {
  public:
    void add(std::span<const double> values);
    void add(double value) { add(std::span(&value, 1)); }
    /// Leaves out what is NaN.
    void add_present(std::span<const double> values);
    void merge(const ValueRange& other);

    /// In the order in which they are tried.
    static constexpr ElementType types[] = {
        ElementType::uint8,  ElementType::int8,  ElementType::uint16,  ElementType::int16,
        ElementType::uint32, ElementType::int32, ElementType::float32, ElementType::float64};

    /// The first of `types` that fits; any does when there are no values.
    ElementType type() const;
    /// Whether one of `types` holds all of them. The negative zero is no integer.
    bool fits(ElementType type) const;

    void put(ByteWriter& writer) const;
    static ValueRange take(ByteReader& reader);

  private:
    double lowest_ = std::numeric_limits<double>::infinity();
    double highest_ = -std::numeric_limits<double>::infinity();
    bool are_integers_ = true;
    bool are_float32_ = true;
};

/// Writes values as elements of a type that holds them exactly (unchecked).
void store(std::span<const double> values, ElementType type, std::span<std::byte> out);

}  // namespace paralogit::data
