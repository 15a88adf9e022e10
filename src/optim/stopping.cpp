#include "paralogit/optim/stopping.hpp"

#include "ordered_sums.hpp"
#include "paralogit/base/error.hpp"

namespace paralogit::optim {

std::string_view name_of(StopReason reason) {
    switch (reason) {
        case StopReason::converged:
            return "converged";
        case StopReason::iteration_limit:
            return "iteration_limit";
        case StopReason::time_limit:
            return "time_limit";
        case StopReason::signal:
            return "signal";
        case StopReason::separable:
            return "separable";
        case StopReason::early_stopping:
            return "early_stopping";
        case StopReason::precision_limit:
            return "precision_limit";
        case StopReason::diverged:
            return "diverged";
    }
    throw Error(ExitCode::internal, "internal error: a stop reason without a name");
}

double gradient_norm(const State& state) {
    return max_norm(state.at_point.gradient);
}

std::optional<StopReason> reason_to_stop(const State& state, const StoppingRules& rules) {
    return reason_to_stop(state, gradient_norm(state), rules);
}

std::optional<StopReason> reason_to_stop(const State& state, double violation,
                                         const StoppingRules& rules) {
    // False for NaN: a gradient that is not a number has not converged.
    if (violation <= rules.tolerance) {
        return StopReason::converged;
    }
    if (state.iteration >= rules.max_iterations) {
        return StopReason::iteration_limit;
    }
    return std::nullopt;
}

}  // namespace paralogit::optim
