#pragma once

#include <optional>

#include "cholesky.hpp"
#include "paralogit/optim/objective.hpp"

namespace paralogit::optim {

/// The factor of the Hessian of a part of the rows, or of a matrix near it, for steps that the
/// objective itself judges: of a rough one, where all of its variables tell enough that the others
/// do not. Empty where Cholesky::factor_with_ridge is.
std::optional<Cholesky> factor_of_hessian(CurvedObjective& objective, const Vector& point,
                                          Index thinning);

/// The objective at a point, where that factor is wanted next.
Evaluation evaluate_before_factor(CurvedObjective& objective, const Vector& point, Index thinning);

}  // namespace paralogit::optim
