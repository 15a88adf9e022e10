#pragma once

#include <memory>

#include "paralogit/optim/separable_term.hpp"
#include "paralogit/optim/solver.hpp"

namespace paralogit::optim {

struct ProxNewtonOptions {
    /// One of `thinning` rows enters the first Hessian, a power of two; 0: chosen from the numbers
    /// of rows and of variables. What the objective has at most bounds it.
    Index thinning = 0;
    /// Whether later Hessians have the thinning of the first.
    bool keeps_thinning = false;
    /// What one Hessian of all rows and all variables costs, in evaluations, > 0; the same number
    /// for the whole run.
    double hessian_cost = 8;
    /// As many variables all enter a Hessian; of more, those that matter at the point.
    Index always_all = 256;
    /// Variables that enter a Hessian at most, >= always_all: a matrix of that size, or three.
    Index most_variables = 4096;
};

/// Newton's method for a sum of a smooth part, l1 penalties and bounds (Lee, Sun & Saunders 2014;
/// Friedman, Hastie & Tibshirani 2010). A step goes towards the minimum of the smooth part's
/// quadratic model and the rest as they are (src/optim/box_lasso.hpp), which has exact zeros and
/// exact bounds, as far as the objective itself falls enough (Tseng & Yun 2009), beginning with all
/// of it.
/// The model is that of a working set of variables, the others stay 0 or at their bounds: those
/// that are not, and those that violate the conditions of an optimum, the worst first. Its Hessian
/// comes from a part of the rows and is kept for several steps, as Newton's is
/// (src/optim/refresh_policy.hpp); differences of true gradients correct it (BFGS). A variable
/// outside the set that has become one of the worst makes a new one necessary. Where a search
/// fails, a Hessian of all rows is tried, then a step by the diagonal; if that fails too there is
/// no progress to be made, nor after 20 steps in a row that made neither the value nor the
/// violation smaller than it had ever been.
///
/// Memory: "hessian_point" [dimension x 1]; "working_set" [k x 1], numbers of variables;
/// "curvature" [6 x 1] as in Newton; "s", "y" [k x pairs], of the working set, oldest first;
/// "stall" [3 x 1] as in Lbfgs. The matrix itself is a cache, as in Newton. Cost of an iteration:
/// mostly one evaluation; a Hessian when there is a new one; k^2 flops for each sweep of coordinate
/// descent.
class ProxNewton : public Solver {
  public:
    /// Throws Error (usage) that names the option, its value and its range.
    explicit ProxNewton(const ProxNewtonOptions& options);
    ~ProxNewton() override;

    std::string_view name() const override { return "prox-newton"; }
    /// The point is brought within the bounds. Throws Error (internal) unless the objective is a
    /// CompositeObjective.
    State start(Objective& objective, const Vector& point) const override;
    /// Throws Error (internal) unless the objective is a CompositeObjective.
    StepResult step(Objective& objective, State& state) const override;

  private:
    struct Cache;
    class Step;

    ProxNewtonOptions options_;
    std::unique_ptr<Cache> cache_;  ///< of the matrix; never read where it would change a bit
};

}  // namespace paralogit::optim
