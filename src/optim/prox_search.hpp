#pragma once

#include <optional>

#include "paralogit/optim/line_search.hpp"
#include "paralogit/optim/separable_term.hpp"

namespace paralogit::optim {

/// The objective as a solver for composite objectives needs it. Throws Error (internal) for another
/// one.
CompositeObjective& as_composite(Objective& objective);

/// A point on the way from that of the state to `target`, both within the bounds, at which the
/// value is lower by a part of what the slope promises (Armijo 1966, for composite objectives Tseng
/// & Yun 2009); `target` itself is tried first. Where values cannot be told apart, a point of a
/// smaller violation of the conditions of an optimum is taken. A trial that is not finite counts as
/// too long. Empty when `target` does not lie downhill, or nothing is found in some trials.
/// `evaluations` is raised before each.
std::optional<LineSearchResult> search_towards(CompositeObjective& objective, const State& state,
                                               const Vector& target, Index& evaluations);

}  // namespace paralogit::optim
