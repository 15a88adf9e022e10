#pragma once

#include <optional>

#include "paralogit/optim/objective.hpp"

namespace paralogit::optim {

struct LineSearchOptions {
    double sufficient_decrease = 1e-4;  ///< c1: F(t) <= F(0) + c1 t F'(0)
    double curvature = 0.9;             ///< c2: |F'(t)| <= c2 |F'(0)|, c1 < c2 < 1
    int max_evaluations = 40;
};

/// A step length that satisfies the strong Wolfe conditions, and the objective there.
struct LineSearchResult {
    Vector point;
    Evaluation at_point;
    double step_length;
    bool is_accepted = true;  ///< false: the trials were used up, and this was the best of them
};

/// Searches along `direction` from `point`, starting with the trial length `first_length`: brackets
/// an acceptable length, then narrows the bracket by safeguarded cubic interpolation (after Nocedal
/// & Wright 2006, algorithms 3.5 and 3.6; the bracket keeps its ends in order). Where the change of
/// the value falls below what double arithmetic can tell, the approximate Wolfe conditions on the
/// slopes decide (Hager & Zhang 2005). A trial that is not finite counts as too long. No length is
/// tried twice.
/// When max_evaluations are used up, the lowest trial with sufficient decrease is the result.
/// `evaluations` is raised by the number of evaluations, before each. Empty when there is no such
/// trial, or when `direction` does not lead downhill.
std::optional<LineSearchResult> strong_wolfe_search(Objective& objective, const Vector& point,
                                                    const Evaluation& at_point,
                                                    const Vector& direction, double first_length,
                                                    const LineSearchOptions& options,
                                                    Index& evaluations);

}  // namespace paralogit::optim
