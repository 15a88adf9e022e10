#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "paralogit/optim/objective.hpp"

namespace paralogit::optim {

/// Everything a solver needs to go on: a value that can be copied, compared, and written down as a
/// checkpoint. Resuming from it gives the bits of the run that was not interrupted.
struct State {
    Index iteration = 0;    ///< steps done
    Index evaluations = 0;  ///< passes over the data so far, those of the start included
    Vector point;
    Evaluation at_point;  ///< the objective at `point`
    /// What the solver remembers between steps, by name; each solver's header lists its own.
    std::map<std::string, Matrix> memory;
};

enum class StepResult {
    moved,        ///< the state is one iteration further
    no_progress,  ///< no point with a lower value can be told apart in double arithmetic
    diverged,     ///< the objective is not finite where the step leads
};

/// A solver is a function from state to state; it holds options only.
class Solver {
  public:
    virtual ~Solver() = default;

    virtual std::string_view name() const = 0;

    /// The state before the first step. Costs one evaluation.
    virtual State start(Objective& objective, const Vector& point) const;

    /// One iteration. Unless it returns `moved`, and when the objective throws, iteration, point
    /// and memory stay as they were. Evaluations are counted all the same, and Hessian products
    /// unless it throws.
    virtual StepResult step(Objective& objective, State& state) const = 0;
};

}  // namespace paralogit::optim
