#include "loss_bound.hpp"

#include <algorithm>
#include <cmath>

#include "margin_bound.hpp"
#include "paralogit/model/exact_sum.hpp"

namespace paralogit::train {

std::int32_t loss_exponent(std::span<const double> coefficients, double intercept,
                           const model::ColumnBounds& bounds, int threads) {
    const double bound = 1.0 + margin_bound(coefficients, intercept, bounds, threads);
    // Beyond this the margins themselves overflow, which the check of each block finds.
    constexpr std::int32_t highest = 1023;
    if (!std::isfinite(bound)) {
        return highest;
    }
    // One bit of slack for the rounding of the sums.
    return std::min(highest, model::exponent_above(bound) + bounds.weight_exponent + 1);
}

}  // namespace paralogit::train
