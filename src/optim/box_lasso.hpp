#pragma once

#include "paralogit/optim/separable_term.hpp"

namespace paralogit::optim {

/// min_x gradient.(x - start) + (x - start)' hessian (x - start) / 2 + sum_j l1_j |x_j| within the
/// bounds of the term, the matrix positive semidefinite.
struct BoxLasso {
    const Matrix& hessian;
    const Vector& gradient;
    const Vector& start;  ///< within the bounds
    const SeparableTerm& term;
};

/// A point at which no entry of the subgradient of least size exceeds the tolerance, with exact
/// zeros and exact bounds; the best found when that needs too much work. The value never rises from
/// the start on. Coordinate descent (Friedman, Hastie & Tibshirani 2010), over the variables that
/// are in use most of the time; where it is slow, as for columns that are alike, steps to the
/// minimum over the variables that are neither 0 nor at a bound, by Cholesky, as far as their signs
/// and bounds allow. Every operation has a fixed order. Cost: k^2 flops for each of some ten sweeps
/// over k variables, and k^3 / 3 for each step.
Vector solve(const BoxLasso& problem, double tolerance);

}  // namespace paralogit::optim
