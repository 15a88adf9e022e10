#pragma once

#include "ordered_sums.hpp"
#include "paralogit/base/error.hpp"
#include "paralogit/optim/objective.hpp"

namespace paralogit::optim {

/// The objective that a second-order solver was given. Throws Error (internal) when it does not
/// tell its curvature.
inline CurvedObjective& as_curved(Objective& objective) {
    auto* const curved = dynamic_cast<CurvedObjective*>(&objective);
    if (curved == nullptr) {
        throw Error(ExitCode::internal,
                    "internal error: a second-order solver needs an objective with a curvature");
    }
    return *curved;
}

/// 1, the length of Newton's method; less where the model promises to go far below 0, which no loss
/// does: then to where the tangent is 0 (Polyak 1969). That happens where the curvature vanishes.
/// For a function that does fall below 0 it is a guess that the search corrects.
inline double first_length(const Evaluation& at_point, const Vector& direction) {
    const double promised = -dot(at_point.gradient, direction);
    const bool is_too_far = at_point.value > 0 && promised > 4 * at_point.value;
    return is_too_far ? at_point.value / promised : 1.0;
}

}  // namespace paralogit::optim
