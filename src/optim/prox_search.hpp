#pragma once

#include <functional>
#include <optional>

#include "paralogit/optim/line_search.hpp"
#include "paralogit/optim/separable_term.hpp"
#include "stall.hpp"

namespace paralogit::optim {

/// The objective as a solver for composite objectives needs it. Throws Error (internal) for another
/// one.
CompositeObjective& as_composite(Objective& objective);

/// A way from the point of a state, within the bounds.
struct Path {
    /// The point after a part of the way, up to all of it.
    std::function<Vector(double part)> point_at;
    /// What the value changes by up to there, to first order; below 0.
    std::function<double(const Vector& point, double part)> promise;
};

/// A point of a path at which the value is lower by a part of what is promised (Armijo 1966; for
/// composite objectives Tseng & Yun 2009); the end of the path is tried first. Where values cannot
/// be told apart, a point of a smaller violation of the conditions of an optimum is taken. A trial
/// that is not finite counts as too long. Empty when the path does not lead downhill, or nothing is
/// found in some trials. `evaluations` is raised before each.
std::optional<LineSearchResult> search_path(CompositeObjective& objective, const State& state,
                                            const Path& path, Index& evaluations);

/// The same along the straight way to `target`, which lies within the bounds.
std::optional<LineSearchResult> search_towards(CompositeObjective& objective, const State& state,
                                               const Vector& target, Index& evaluations);

/// As Stall::of, the violation of the conditions of an optimum in place of the gradient.
Stall stall_of(const State& state, const Vector& violations);

/// As Stall::after.
Matrix stalled_after(const Stall& stall, double value, const Vector& violations);

}  // namespace paralogit::optim
