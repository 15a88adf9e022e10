#include "paralogit/optim/gradient_descent.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "option_checks.hpp"
#include "ordered_sums.hpp"

namespace paralogit::optim {

namespace {

constexpr const char* length_key = "learning_rate";

void move_to(State& state, Vector point, Evaluation at_point) {
    state.point = std::move(point);
    state.at_point = std::move(at_point);
    ++state.iteration;
}

StepResult fixed_step(Objective& objective, State& state, double length) {
    Vector point = state.point - length * state.at_point.gradient;
    ++state.evaluations;
    Evaluation at_point = objective.evaluate(point);
    if (!is_finite(at_point)) {
        return StepResult::diverged;
    }
    move_to(state, std::move(point), std::move(at_point));
    return StepResult::moved;
}

StepResult backtracking_step(Objective& objective, State& state,
                             const GradientDescentOptions& options) {
    const Vector& gradient = state.at_point.gradient;
    const double squared_norm = dot(gradient, gradient);
    const auto remembered = state.memory.find(length_key);
    double length =
        remembered == state.memory.end() ? options.learning_rate : remembered->second(0, 0);
    bool last_was_finite = true;
    for (int halvings = 0; halvings <= options.max_halvings; ++halvings, length /= 2) {
        Vector point = state.point - length * gradient;
        if (point == state.point) {
            return StepResult::no_progress;
        }
        ++state.evaluations;
        Evaluation at_point = objective.evaluate(point);
        last_was_finite = is_finite(at_point);
        // Where the decrease asked for is below the rounding of the value, an equal value passes:
        // the gradient can still shrink there.
        if (last_was_finite &&
            at_point.value <=
                state.at_point.value - options.sufficient_decrease * length * squared_norm) {
            const double next = std::min(2 * length, std::numeric_limits<double>::max());
            state.memory.insert_or_assign(length_key, Matrix::Constant(1, 1, next));
            move_to(state, std::move(point), std::move(at_point));
            return StepResult::moved;
        }
    }
    return last_was_finite ? StepResult::no_progress : StepResult::diverged;
}

}  // namespace

GradientDescent::GradientDescent(const GradientDescentOptions& options) : options_(options) {
    const auto is_open_unit = [](double value) { return value > 0 && value < 1; };
    require_option(options.learning_rate > 0 && std::isfinite(options.learning_rate),
                   "--learning-rate", options.learning_rate, "a finite number above 0");
    require_option(is_open_unit(options.sufficient_decrease), "--sufficient-decrease",
                   options.sufficient_decrease, "a number above 0 and below 1");
    require_option(options.max_halvings > 0, "--max-halvings", options.max_halvings,
                   "a whole number, 1 or more");
}

StepResult GradientDescent::step(Objective& objective, State& state) const {
    if (!is_finite(state.at_point)) {
        return StepResult::diverged;
    }
    return options_.backtracking ? backtracking_step(objective, state, options_)
                                 : fixed_step(objective, state, options_.learning_rate);
}

}  // namespace paralogit::optim
