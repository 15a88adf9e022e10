#pragma once

#include "paralogit/optim/separable_term.hpp"
#include "paralogit/optim/solver.hpp"

namespace paralogit::optim {

struct OwlQnOptions {
    int history = 50;  ///< pairs kept, >= 1; 2 * history vectors of memory, and about ten more
};

/// Limited-memory BFGS for a sum of a smooth part, l1 penalties and bounds (Andrew & Gao 2007,
/// OWL-QN). The subgradient of least size stands for the gradient; the pairs are of the smooth part
/// alone. A step keeps the signs, a variable that would change its own becomes 0, and bounds hold.
/// Other than theirs, the direction is that of the variables that may move, as if there were no
/// others (the pairs without the entries of the rest), and of these only such as are 0 have to go
/// the way that the subgradient says.
/// A search that fails forgets the history and tries the subgradient once; if that fails too there
/// is no progress to be made. Nor is there after 100 steps in a row of which none made the value or
/// the violation smaller than it had ever been.
/// Memory: "s", "y", "oldest", "stall" as in Lbfgs. Cost of an iteration: mostly one evaluation,
/// and 12 * history * dimension flops.
class OwlQn : public Solver {
  public:
    /// Throws Error (usage) that names the option, its value and its range.
    explicit OwlQn(const OwlQnOptions& options);

    std::string_view name() const override { return "owl-qn"; }
    /// The point is brought within the bounds. Throws Error (internal) unless the objective is a
    /// CompositeObjective.
    State start(Objective& objective, const Vector& point) const override;
    /// Throws Error (internal) unless the objective is a CompositeObjective.
    StepResult step(Objective& objective, State& state) const override;

  private:
    OwlQnOptions options_;
};

}  // namespace paralogit::optim
