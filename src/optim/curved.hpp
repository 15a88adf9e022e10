#pragma once

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

}  // namespace paralogit::optim
