#pragma once

#include "paralogit/model/loss.hpp"
#include "paralogit/optim/objective.hpp"

namespace paralogit::train {

/// About the largest eigenvalue of the Hessian at the point 0 of the variables, from 20 products
/// (power iteration), times what the curvature of a row may grow to elsewhere: BCE has its largest
/// at margin 0, a focal loss has not. So it is a bound of the curvature anywhere. Steps of plain
/// gradient descent converge below 2 over it, and 1 over it is a good learning rate. `left_out`, a
/// diagonal, is taken off the Hessian; empty for none. The same on all ranks. @collective
double largest_curvature(optim::CurvedObjective& objective, Index features, const model::Loss& loss,
                         const Vector& left_out = {});

}  // namespace paralogit::train
