#include "loss_bound.hpp"

#include <algorithm>
#include <cmath>

namespace paralogit::train {

std::int32_t loss_exponent(std::span<const double> coefficients, double intercept,
                           const model::ColumnScan& scan) {
    double bound = 1.0 + std::abs(intercept);
    for (std::size_t j = 0; j < coefficients.size(); ++j) {
        bound += std::ldexp(std::abs(coefficients[j]), scan.value_exponents[j]);
    }
    // Beyond this the margins themselves overflow, which the check of each block finds.
    constexpr std::int32_t highest = 1023;
    if (!std::isfinite(bound)) {
        return highest;
    }
    // One bit of slack for the rounding of the sums.
    return std::min(highest, model::exponent_above(bound) + scan.frame().weight_exponent + 1);
}

}  // namespace paralogit::train
