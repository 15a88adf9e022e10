#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace paralogit::data {

/// The exact sum of finite doubles, rounded once at the end: the same bits in any order (a long
/// accumulator; U. Kulisch, Computer Arithmetic and Validity, 2013).
class ExactTotal {
  public:
    /// At most 2^62 values in all.
    void add(double value);

    /// Digits to base 2^32, lowest first; those of several totals may be added up one by one
    /// before they are made a total again.
    static constexpr std::size_t digits = 70;
    std::span<const std::int64_t, digits> as_digits();
    static ExactTotal from_digits(std::span<const std::int64_t, digits> values);

    /// The nearest double; infinite when it is beyond the range.
    double rounded();

  private:
    void carry();

    // A digit takes 2^30 additions of less than 2^32 each before it must be carried.
    std::array<std::int64_t, digits> digits_{};
    std::int64_t additions_ = 0;
};

}  // namespace paralogit::data
