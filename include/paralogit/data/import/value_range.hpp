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

    /// Among uint8, int8, uint16, int16, uint32, int32, float32, float64; uint8 when there are no
    /// values. The negative zero is no integer.
    ElementType type() const;

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
