#include "run_ending.hpp"

#include <fmt/format.h>

#include "../load/used_features.hpp"

namespace paralogit::train {

namespace {

/// The first coefficient that a bound holds though it leaves a choice.
std::optional<Index> feature_on_a_bound(const Penalties& penalties, const Vector& parameters) {
    for (Index j = 0; j < penalties.lower.size(); ++j) {
        if (!penalties.is_fixed(j) &&
            (parameters[j] <= penalties.lower[j] || parameters[j] >= penalties.upper[j])) {
            return j;
        }
    }
    return std::nullopt;
}

}  // namespace

bool has_model(optim::StopReason reason) {
    return reason != optim::StopReason::signal && reason != optim::StopReason::diverged;
}

bool ends_above_its_start(const TrainOutcome& outcome, const TrainOptions& options) {
    const bool has_own_optimum =
        is_stochastic(options.solver.name) && options.solver.stochastic.decouples_decay;
    return (has_own_optimum ? outcome.last.loss : outcome.last.objective) > outcome.first_objective;
}

ExitCode exit_code_of(optim::StopReason reason) {
    switch (reason) {
        case optim::StopReason::diverged:
            return ExitCode::diverged;
        case optim::StopReason::signal:
            return ExitCode::stopped_by_signal;
        default:
            return ExitCode::done;
    }
}

bool has_no_finite_optimum(const RunData& data, const Vector& parameters, Index rows_wrong,
                           bool has_intercept, DistributedObjective& objective) {
    if (rows_wrong > 0 || (data.moments.is_of_one_class && has_intercept)) {
        return rows_wrong == 0;
    }
    Vector free = parameters;
    bool is_part = false;
    bool has_any = false;
    for (Index j = 0; j < data.rows->shard.features; ++j) {
        if (parameters[j] == 0) {
            continue;
        }
        if (data.penalties.let_grow(j, parameters[j])) {
            has_any = true;
        } else {
            free[j] = 0;
            is_part = true;
        }
    }
    return !is_part || (has_any && objective.evaluate(free).rows_wrong == 0);
}

std::optional<std::string> obstacle_to_inference(const RunData& data, const Vector& parameters,
                                                 bool is_separable, optim::StopReason reason,
                                                 const StopRequests& requests) {
    if (is_separable) {
        return "the classes are separable, so no finite optimum exists";
    }
    if (const auto feature = feature_on_a_bound(data.penalties, parameters)) {
        return fmt::format(
            "the coefficient of {} lies on a bound, which chooses it; only bounds that no "
            "coefficient lies on, or that give it a single value, leave the others theirs",
            name_of(*data.rows, *feature));
    }
    // They may take as long as many passes.
    if (requests.any() || reason == optim::StopReason::time_limit) {
        return fmt::format("{} leaves no time for them; start again with --resume{}",
                           requests.signal ? "the signal" : "the time limit",
                           requests.signal ? "" : " and more time");
    }
    return std::nullopt;
}

}  // namespace paralogit::train
