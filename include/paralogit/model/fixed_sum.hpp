#pragma once

#include <array>
#include <cstdint>

#include "paralogit/base/types.hpp"

namespace paralogit::model {

__extension__ using Int128 = __int128;

/// A sum of numbers >= 0 as an integer of 126 bits, for sums of single rows or of groups of rows.
/// Integers add up in any order, so that the bits depend neither on threads nor on ranks. Each
/// number is rounded to a multiple of 2^(exponent - 126): exactly kept are all that are at least
/// 2^-73 of the bound. (ExactSums is for long vectors of sums, and takes blocks of rows at a time.)
class FixedSum {
  public:
    /// The sum of all numbers, on all ranks, is below 2^exponent; -1000 <= exponent <= 1023.
    explicit FixedSum(int exponent = 0) : exponent_(exponent) {}

    /// A number as it is added. Throws Error (internal) when it is not in [0, 2^exponent).
    Int128 fixed(double value) const;
    /// A sum of such, rounded once.
    double value(Int128 total) const;

    void add(double value) { total_ += fixed(value); }
    double value() const { return value(total_); }

    /// To be added up over ranks.
    Int128& total() { return total_; }
    int exponent() const { return exponent_; }

  private:
    int exponent_;
    Int128 total_ = 0;
};

/// A number of [0, 2^126) in three parts of 42 bits, of which 2^21 may be added up part by part.
std::array<std::int64_t, 3> to_parts(Int128 total);
Int128 from_parts(const std::array<std::int64_t, 3>& parts);

}  // namespace paralogit::model
