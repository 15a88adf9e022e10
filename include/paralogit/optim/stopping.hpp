#pragma once

#include <optional>
#include <string_view>

#include "paralogit/optim/solver.hpp"

namespace paralogit::optim {

/// Why a run ended.
enum class StopReason {
    converged,        ///< the gradient is as small as was asked for
    iteration_limit,  ///< as many iterations as were asked for
    time_limit,       ///< as many seconds as were asked for
    signal,           ///< the job was asked to stop
    separable,        ///< the classes are separable, and no optimum is finite
    early_stopping,   ///< the loss on validation rows has stopped getting better
    precision_limit,  ///< double arithmetic can tell no better point apart
    diverged,         ///< the objective stopped being finite
};

/// The name as reports write it: "iteration_limit".
std::string_view name_of(StopReason reason);

/// The rules that can be judged from a State alone, hence the same on all ranks.
struct StoppingRules {
    Index max_iterations = 0;
    double tolerance = 0;  ///< on the violation of the conditions of an optimum
};

/// The largest absolute entry of the gradient in the solver's variables; NaN when an entry is NaN.
double gradient_norm(const State& state);

/// `converged` when `violation`, by which the state fails the conditions of an optimum, is no more
/// than the tolerance, else `iteration_limit` when that many steps are done, else empty: go on.
std::optional<StopReason> reason_to_stop(const State& state, double violation,
                                         const StoppingRules& rules);

/// The same by gradient_norm, for an objective that is smooth.
std::optional<StopReason> reason_to_stop(const State& state, const StoppingRules& rules);

}  // namespace paralogit::optim
