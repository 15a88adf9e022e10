#pragma once

#include <span>

#include "paralogit/model/column_scan.hpp"

namespace paralogit::train {

/// An exponent above the loss of any block of the rows scanned, from the parameters, which every
/// rank has: loss <= 1 + |z| and |z| <= |b| + sum_j |w_j| max |x_j|.
std::int32_t loss_exponent(std::span<const double> coefficients, double intercept,
                           const model::ColumnScan& scan);

}  // namespace paralogit::train
