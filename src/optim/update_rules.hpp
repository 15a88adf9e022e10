#pragma once

#include <vector>

#include "paralogit/optim/stochastic.hpp"

namespace paralogit::optim {

/// One rule at work in one epoch: how a gradient moves the point, and what the rule remembers.
class Update {
  public:
    Update(const StochasticOptions& options, const State& state);

    void apply(double rate, const Vector& gradient, Vector& point);

    /// What the rule remembers, into the memory of a state.
    void store(State& state) const;
    /// The same as vectors, for a mean over ranks. That of the powers is what makes the mean of the
    /// moments unbiased, however many steps each rank has taken.
    std::vector<Vector*> vectors();

  private:
    void apply_sgd(double rate, const Vector& gradient, Vector& point);
    void apply_adam(double rate, const Vector& gradient, Vector& point);
    void apply_adagrad(double rate, const Vector& gradient, Vector& point);

    const StochasticOptions& options_;
    Vector velocity_;
    Vector first_moment_;
    Vector second_moment_;
    Vector powers_;  ///< beta1 and beta2 to the number of steps
    Vector squares_;
};

}  // namespace paralogit::optim
