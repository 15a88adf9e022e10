#pragma once

#include "paralogit/optim/objective.hpp"

namespace paralogit::train {

/// About the largest eigenvalue of the Hessian at the point 0 of the variables, from 20 products
/// (power iteration): for the logistic loss, whose curvature is largest at margin 0, a bound of the
/// curvature anywhere. Steps of plain gradient descent converge below 2 over it, and 1 over it is a
/// good learning rate. The same on all ranks. @collective
double largest_curvature(optim::CurvedObjective& objective, Index features);

}  // namespace paralogit::train
