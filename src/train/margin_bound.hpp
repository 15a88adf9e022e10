#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <span>

#include "paralogit/model/column_bounds.hpp"

namespace paralogit::train {

/// |b| + sum_j |w_j| max |x_j|: no row of positive weight has a margin beyond it.
inline double margin_bound(std::span<const double> coefficients, double intercept,
                           const model::ColumnBounds& bounds) {
    double bound = std::abs(intercept);
    for (std::size_t j = 0; j < coefficients.size(); ++j) {
        const auto power = static_cast<std::uint64_t>(bounds.value_exponents[j] + 1023) << 52U;
        bound += std::abs(coefficients[j]) * std::bit_cast<double>(power);
    }
    return bound;
}

}  // namespace paralogit::train
