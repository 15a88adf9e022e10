#pragma once

#include <optional>

#include "paralogit/optim/batch_objective.hpp"
#include "paralogit/optim/learning_rate.hpp"
#include "paralogit/optim/solver.hpp"

namespace paralogit::optim {

enum class UpdateRule {
    sgd,      ///< p -= rate g; with momentum m: v <- m v + g, p -= rate v, or rate (g + m v) when
              ///< that is Nesterov's (as PyTorch has them; Sutskever et al. 2013)
    adam,     ///< Kingma & Ba 2015, algorithm 1
    adagrad,  ///< s += g^2, p -= rate g / (sqrt(s) + epsilon)  (Duchi, Hazan & Singer 2011)
};

struct StochasticOptions {
    UpdateRule rule = UpdateRule::sgd;
    LearningRateOptions learning_rate;
    double momentum = 0;  ///< of sgd, in [0, 1)
    bool is_nesterov = false;
    double beta1 = 0.9;     ///< of adam, in [0, 1)
    double beta2 = 0.999;   ///< of adam, in [0, 1)
    double epsilon = 1e-8;  ///< of adam and adagrad, >= 0
    /// Longest gradient of a batch, in the Euclidean norm; a longer one is scaled down to it.
    std::optional<double> clip;
    /// Whether the penalty shrinks the coefficients beside the update, by the factor
    /// 1 - rate * l2, instead of adding its gradient to that of the batch (Loshchilov & Hutter
    /// 2019).
    bool decouples_decay = false;
    /// The point is the mean of the iterates after each step from this epoch on, counted from 0
    /// (Polyak & Juditsky 1992); without it, the last iterate.
    std::optional<Index> averages_from;
    Index evaluates_every = 10;  ///< epochs, >= 1
    /// Steps that each rank takes by itself between two means over ranks; 0: the ranks share each
    /// batch.
    Index local_steps = 0;
};

/// Solvers that take a step after each batch of rows. An iteration is an epoch: one step for each
/// batch, and every evaluates_every-th one the objective of all rows at the end. In between
/// State::at_point stays that of the last evaluation; see evaluated_iteration. An epoch whose loss
/// is not finite, or ten times that of the start and of a model that knows nothing, has diverged.
///
/// Memory, each absent before it is needed: "velocity"; "first_moment", "second_moment", "powers"
/// [2 x 1] (beta1^t, beta2^t; of local steps their mean over ranks); "squares"; "iterate" when the
/// point is a mean, "averaged" [1 x 1], the number of iterates in it; "epoch" [3 x 1], the running
/// objective of the last epoch, the iteration of the last evaluation, the objective at the start.
/// Cost of an iteration: about one evaluation, and some ten flops a variable and batch.
class Stochastic : public Solver {
  public:
    /// Throws Error (usage) that names the option, its value and its range.
    explicit Stochastic(const StochasticOptions& options);

    std::string_view name() const override;
    /// Throws Error (internal) unless the objective is a BatchObjective.
    StepResult step(Objective& objective, State& state) const override;

  private:
    StochasticOptions options_;
};

/// The iteration that State::at_point belongs to: the state's own, but for stochastic solvers.
Index evaluated_iteration(const State& state);

/// The objective as the batches of the last epoch met it, each before its own step; empty for other
/// solvers, and before the first epoch.
std::optional<double> running_objective(const State& state);

}  // namespace paralogit::optim
