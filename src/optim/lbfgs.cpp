#include "paralogit/optim/lbfgs.hpp"

#include <utility>

#include "option_checks.hpp"
#include "ordered_sums.hpp"
#include "quasi_newton.hpp"
#include "stall.hpp"

namespace paralogit::optim {

namespace {

constexpr double most_stalled_steps = 100;

/// The inverse Hessian that the pairs describe, with H_0 = (s.y / y.y) I of the newest pair
/// (Nocedal & Wright 2006, equation 7.20), times -gradient.
Vector quasi_newton_direction(const Pairs& pairs, const Vector& gradient) {
    const auto s = pairs.s_of(pairs.count() - 1);
    const auto y = pairs.y_of(pairs.count() - 1);
    return two_loop_direction(pairs, gradient,
                              [&](Vector& direction) { direction *= dot(s, y) / dot(y, y); });
}

}  // namespace

Lbfgs::Lbfgs(const LbfgsOptions& options) : options_(options) {
    require_option(options.history >= 1, "--history", options.history, "a whole number, 1 or more");
    require_search_options(options.line_search);
}

StepResult Lbfgs::step(Objective& objective, State& state) const {
    if (!is_finite(state.at_point)) {
        return StepResult::diverged;
    }
    const Stall stall = Stall::of(state);
    if (stall.steps >= most_stalled_steps) {
        return StepResult::no_progress;
    }
    const Matrix none(state.point.size(), 0);
    const Pairs pairs = Pairs::of(state, none);
    const auto search = [&](const Vector& direction) {
        return strong_wolfe_search(objective, state.point, state.at_point, direction, 1.0,
                                   options_.line_search, state.evaluations);
    };

    std::optional<LineSearchResult> found;
    if (pairs.count() > 0) {
        found = search(quasi_newton_direction(pairs, state.at_point.gradient));
    }
    const bool is_history_useful = found.has_value();
    if (!is_history_useful) {
        found = search(steepest_direction(state.at_point.gradient));
    }
    if (!found) {
        return StepResult::no_progress;
    }

    const Vector s = found->point - state.point;
    const Vector y = found->at_point.gradient - state.at_point.gradient;
    const Matrix stalled = stall.after(*found, most_stalled_steps);

    // What could fail from here on is to find memory for one more pair, which ends the run.
    if (!is_history_useful) {
        forget_pairs(state.memory, state.point.size());
    }
    remember_pair(state.memory, s, y, options_.history);
    state.memory.insert_or_assign(Stall::key, stalled);
    state.point = std::move(found->point);
    state.at_point = std::move(found->at_point);
    ++state.iteration;
    return StepResult::moved;
}

}  // namespace paralogit::optim
