#pragma once

#include <optional>

#include "diagnosis.hpp"

namespace paralogit::train {

/// The variables in which curvature tells most, whatever those of the solver were: standardised
/// ones. Empty when what they are made of is gone.
std::optional<optim::ChangeOfVariables> telling_variables(const RunEnd& run);

/// The Hessian at the end of a run in these variables, of as many rows as tell which columns depend
/// on others; empty where that would take long. @collective
Matrix hessian_at_end(const RunEnd& run, const optim::ChangeOfVariables& change);

/// The step of Newton's method from the end of a run, as a direction of the parameters: where the
/// classes are separable in part, and all else is at rest, it leads on to infinity. Empty where it
/// would take long. @collective
Vector newton_direction_at_end(const RunEnd& run, const optim::ChangeOfVariables& change);

}  // namespace paralogit::train
