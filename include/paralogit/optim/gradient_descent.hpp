#pragma once

#include "paralogit/optim/solver.hpp"

namespace paralogit::optim {

struct GradientDescentOptions {
    /// The step length, > 0. With backtracking it is the first trial length of the first iteration.
    double learning_rate = 1.0;
    /// Halve the length until the value falls enough (Armijo 1966):
    ///     F(p - t g) <= F(p) - sufficient_decrease * t |g|^2
    /// and try twice the accepted length first in the next iteration.
    bool backtracking = false;
    double sufficient_decrease = 1e-4;  ///< in (0, 1)
    int max_halvings = 60;              ///< > 0
};

/// Full-batch gradient descent: p <- p - t g.
/// Memory: "learning_rate" [1 x 1], the length to try next (backtracking only; absent before the
/// first step).
/// Cost of an iteration: one evaluation; with backtracking one per trial.
class GradientDescent : public Solver {
  public:
    /// Throws Error (usage) that names the option, its value and its range.
    explicit GradientDescent(const GradientDescentOptions& options);

    std::string_view name() const override { return "gd"; }
    StepResult step(Objective& objective, State& state) const override;

  private:
    GradientDescentOptions options_;
};

}  // namespace paralogit::optim
