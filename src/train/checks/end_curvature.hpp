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

}  // namespace paralogit::train
