#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "paralogit/base/types.hpp"
#include "paralogit/model/isa.hpp"

namespace paralogit::model {

/// Sums of block partials whose bits do not depend on order or grouping: every partial becomes two
/// integers, and integers add up in any order (two-limb block-exact sum).
///
/// With K partials per sum over the whole job, h = ceil(log2 K) and W = min(50, 62 - h), a partial
/// v with |v| < 2^E becomes t = v 2^(W-E), a = rint(t), c = rint((t - a) 2^W). The accumulators
/// satisfy |sum a| <= K 2^W <= 2^62, so no order of additions overflows. The decoded sum is off by
/// at most K 2^(E-2W-1) + u |sum|, u = 2^-53 (2^-1075 in place of u |sum| where the sum is
/// denormal); partials of magnitude 2^(E-2W+53) or more are carried exactly.
///
/// The limbs of all sums lie in one contiguous span that the caller adds up over ranks.
class ExactSums {
  public:
    /// One sum per exponent. `partials` is K >= 1. Throws Error (input_data) when K > 2^30, which
    /// leaves too few bits. Exponents lie in [-1000, 1023].
    ExactSums(std::vector<std::int32_t> exponents, Index partials, Isa isa = best_isa());

    Index size() const { return static_cast<Index>(exponents_.size()); }

    /// Adds one partial to each sum of [first, first + values.size()). Returns false, and adds
    /// nothing at all, when a value is not finite or violates |v| < 2^E. No sum may get more than
    /// `partials` of them, over all ranks. Cost: a few flops a value.
    [[nodiscard]] bool add(Index first, std::span<const double> values);
    [[nodiscard]] bool add(Index index, double value) { return add(index, {&value, 1}); }

    /// New bounds for sums that are zero, for bounds that move with the parameters. Throws Error
    /// (internal) when the sum is not zero.
    void set_exponent(Index index, std::int32_t exponent);

    void clear();

    /// Adds the sums of another with the same bounds. Throws Error (internal) otherwise.
    void add(const ExactSums& other);

    /// 2 * size() integers: the high limbs, then the low limbs. To be summed over ranks in place.
    std::span<std::int64_t> limbs() { return limbs_; }
    std::span<const std::int64_t> limbs() const { return limbs_; }

    /// The sum, rounded once; infinite when it is beyond the range of double.
    double value(Index index) const;

  private:
    void set_scale(std::size_t position);

    std::vector<std::int32_t> exponents_;
    /// 2^(W - E) in two factors, for it may be beyond a double.
    std::vector<double> scale_;
    std::vector<double> scale_rest_;
    std::vector<std::int64_t> limbs_;
    int width_;
    Isa isa_;
};

/// The bits W of a limb when so many partials are to be summed. Throws Error (input_data) when
/// there are more than 2^30 of them, (internal) when there is none.
int exact_sum_width(Index partials);

/// (high 2^W + low) 2^(E - 2W), rounded once.
double exact_sum_value(std::int64_t high, std::int64_t low, int width, std::int32_t exponent);

/// The smallest e with |value| < 2^e, for a finite value; `lowest` for zero and where e would be
/// smaller.
std::int32_t exponent_above(double value, std::int32_t lowest = -1000);

}  // namespace paralogit::model
