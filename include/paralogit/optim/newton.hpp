#pragma once

#include <memory>

#include "paralogit/optim/line_search.hpp"
#include "paralogit/optim/solver.hpp"

namespace paralogit::optim {

struct NewtonOptions {
    /// One of `thinning` rows enters the first Hessian, a power of two; 0: chosen from the numbers
    /// of rows and of variables. What the objective has at most bounds it.
    Index thinning = 0;
    /// Whether later Hessians have the thinning of the first, until steps fail or hardly make
    /// progress: then they come from more rows, up to all.
    bool keeps_thinning = false;
    /// What one Hessian of all rows costs, in evaluations, > 0. It steers how often a new one is
    /// computed, and from how many rows; so it has to be the same number for the whole run.
    double hessian_cost = 8;
    int history = 20;  ///< pairs kept, >= 1; 2 * history vectors of memory
    LineSearchOptions line_search{.max_evaluations = 20};
};

/// Newton's method with a Hessian from a part of the rows (Byrd, Chin, Neveitt & Nocedal 2011) that
/// is kept for several steps: it is the initial matrix of a quasi-Newton direction (Nocedal &
/// Wright 2006, algorithm 7.4, H_0 by Cholesky), whose pairs are differences of true gradients and
/// correct it. A strong-Wolfe search on the objective itself decides how far to go, beginning with
/// length 1. After each step a model of the cost decides whether the Hessian is kept, or computed
/// at the new point, and from how many rows (src/optim/refresh_policy.hpp).
/// Where rows are many, and no thinning is told, start() goes to the minimum of a thirty-second
/// part of them first (src/optim/thinned_start.hpp); it stays at the point that it was given unless
/// the value of all rows is lower there, or no more than a hundredth higher. A matrix that is
/// singular or indefinite gets a ridge; one that is not finite is left out. A search that fails is
/// tried again with a new Hessian of four times the rows, of all rows, and along the gradient; if
/// that fails too there is no progress to be made. Nor is there after 20 steps in a row of which
/// none made the value or the gradient smaller than it had ever been.
///
/// Memory: "hessian_point" [dimension x 1], the point at which the Hessian is taken; "curvature"
/// [6 x 1], its thinning, the most thinning that is still trusted, the number of Hessians used so
/// far, the number of steps made with this one, the contraction to be expected from a new one, the
/// excess noise that sampling was found to have; "s", "y" [dimension x pairs], "oldest" [1 x 1] as
/// in Lbfgs; "stall" [3 x 1] as in Lbfgs. The matrix itself is not there: it is a function of
/// hessian_point and thinning. Its factor is a cache in the solver, filled when a step needs it, so
/// a resumed run computes that Hessian once more. The solver therefore serves one objective from
/// start() on, or from its first step, and one thread. Cost of an iteration: mostly one evaluation;
/// dimension^3 / 3 flops and a Hessian when there is a new one; 4 * dimension^2 + 10 * history *
/// dimension flops.
class Newton : public Solver {
  public:
    /// Throws Error (usage) that names the option, its value and its range.
    explicit Newton(const NewtonOptions& options);
    ~Newton() override;

    std::string_view name() const override { return "newton"; }
    State start(Objective& objective, const Vector& point) const override;
    /// Throws Error (internal) unless the objective is a CurvedObjective.
    StepResult step(Objective& objective, State& state) const override;

  private:
    struct Cache;
    class Step;

    NewtonOptions options_;
    std::unique_ptr<Cache> cache_;  ///< of the factor; never read where it would change a bit
};

/// The number of Hessians that the run used to come to this state; 0 for other solvers.
Index hessians_used(const State& state);

}  // namespace paralogit::optim
