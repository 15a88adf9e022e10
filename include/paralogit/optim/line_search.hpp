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
};

/// Searches along `direction` from `point`, starting with the trial length `first_length`: bracketing,
/// then zoom with safeguarded cubic interpolation (Nocedal & Wright 2006, algorithms 3.5 and 3.6).
/// Where the decrease falls below what double arithmetic can tell, the approximate Wolfe condition
/// on derivatives decides (Hager & Zhang 2005). A trial that is not finite counts as too long.
/// `evaluations` is raised by the number of evaluations. Empty when there is no such length within
/// the limits, or when `direction` does not lead downhill.
std::optional<LineSearchResult> strong_wolfe_search(Objective& objective, const Vector& point,
                                                    const Evaluation& at_point,
                                                    const Vector& direction, double first_length,
                                                    const LineSearchOptions& options,
                                                    Index& evaluations);

}  // namespace paralogit::optim
