#pragma once

#include <cstdint>
#include <span>

#include "paralogit/model/column_bounds.hpp"

namespace paralogit::train {

/// An exponent above the loss of any block of the rows scanned, from the parameters, which every
/// rank has: loss <= 1 + |z|.
std::int32_t loss_exponent(std::span<const double> coefficients, double intercept,
                           const model::ColumnBounds& bounds, int threads = 1);

}  // namespace paralogit::train
