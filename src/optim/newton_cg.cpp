#include "paralogit/optim/newton_cg.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "cg_path.hpp"
#include "curved.hpp"
#include "option_checks.hpp"
#include "ordered_sums.hpp"
#include "precision.hpp"
#include "stall.hpp"

namespace paralogit::optim {

namespace {

constexpr const char* radius_key = "radius";
constexpr const char* products_key = "products";
constexpr const char* gradient_key = "gradient_before";
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr int most_trials = 40;
constexpr double most_stalled_steps = 20;

double remembered(const State& state, const char* key, double otherwise) {
    const auto found = state.memory.find(key);
    return found == state.memory.end() ? otherwise : found->second(0, 0);
}

void remember(std::map<std::string, Matrix>& memory, const char* key, double number) {
    memory.insert_or_assign(key, Matrix::Constant(1, 1, number));
}

/// Eisenstat & Walker 1996, choice 2 with the exponent 2.
double forcing_term(double gradient, double gradient_before) {
    constexpr double first = 0.3;
    constexpr double most = 0.3;
    constexpr double least = 1e-3;
    constexpr double factor = 0.9;
    if (std::isinf(gradient_before)) {
        return first;
    }
    const double contraction = gradient / gradient_before;
    return std::clamp(factor * contraction * contraction, least, most);
}

/// The objective at the end of a step, beside what the model promised.
struct Trial {
    CgPath::Step step;
    Vector point;
    Evaluation at_point;
    bool is_level;  ///< whether the values at both ends cannot be told apart
    double ratio;   ///< of the true to the promised change of the value
    double reach;   ///< where a parabola through both values and the slope is least; 1 is the step
};

/// Lin & More 1999, algorithm 2.1 with the constants of section 6.
double radius_after(const Trial& trial, double radius) {
    constexpr double least_shrinking = 0.25;
    constexpr double most_shrinking = 0.5;
    constexpr double growth = 4;
    constexpr double poor = 0.25;
    constexpr double good = 0.75;
    const double length = euclidean_norm(trial.step.step);
    // The first radius is whatever the first step makes of it.
    const double present = std::min(radius, length);
    const double base = std::isinf(radius) ? present : radius;
    const double reach = std::max(trial.reach, least_shrinking) * length;
    if (trial.ratio < poor) {
        return std::max(least_shrinking * base, std::min(reach, most_shrinking * base));
    }
    if (trial.ratio < good) {
        return std::max(least_shrinking * base, std::min(reach, growth * base));
    }
    return trial.step.is_at_border ? growth * base : std::max(base, std::min(reach, growth * base));
}

bool is_accepted(const Trial& trial, const Evaluation& before) {
    constexpr double least_ratio = 1e-4;
    if (trial.is_level) {
        return euclidean_norm(trial.at_point.gradient) < euclidean_norm(before.gradient);
    }
    return trial.ratio > least_ratio;
}

/// A smaller radius after a trial that was not accepted.
double radius_after_failure(const Trial& trial) {
    constexpr double least_shrinking = 0.1;
    constexpr double most_shrinking = 0.5;
    return euclidean_norm(trial.step.step) *
           std::clamp(trial.reach, least_shrinking, most_shrinking);
}

/// The trial at the end of the path within the radius; `evaluations` is raised before.
Trial tried(Objective& objective, const State& state, CgPath::Step step, Index& evaluations) {
    Trial trial{.step = std::move(step),
                .point = {},
                .at_point = {},
                .is_level = false,
                .ratio = -infinity,
                .reach = 0};
    trial.point = state.point + trial.step.step;
    ++evaluations;
    trial.at_point = objective.evaluate(trial.point);
    if (!is_finite(trial.at_point)) {
        return trial;
    }
    const double change = trial.at_point.value - state.at_point.value;
    const double slope = dot(state.at_point.gradient, trial.step.step);
    trial.is_level = is_level(trial.at_point.value, state.at_point.value, state.at_point.value);
    trial.ratio = trial.is_level ? 1 : change / trial.step.model_value;
    trial.reach = change <= slope ? infinity : -slope / 2 / (change - slope);
    return trial;
}

}  // namespace

NewtonCg::NewtonCg(const NewtonCgOptions& options) : options_(options) {
    require_option(options.thinning > 0 && (options.thinning & (options.thinning - 1)) == 0,
                   "--thinning", options.thinning, "a power of two");
    require_option(options.max_products >= 1, "--max-products", options.max_products,
                   "a whole number, 1 or more");
}

StepResult NewtonCg::step(Objective& objective, State& state) const {
    CurvedObjective& curved = as_curved(objective);
    if (!is_finite(state.at_point)) {
        return StepResult::diverged;
    }
    const Stall stall = Stall::of(state);
    const double gradient = euclidean_norm(state.at_point.gradient);
    if (gradient == 0 || stall.steps >= most_stalled_steps) {
        return StepResult::no_progress;
    }
    double radius = remembered(state, radius_key, infinity);
    const CgPath path(curved, state.point, state.at_point.gradient,
                      {.thinning = std::min(options_.thinning, curved.most_thinning()),
                       .radius = radius,
                       .forcing = forcing_term(gradient, remembered(state, gradient_key, infinity)),
                       .max_products = options_.max_products});
    // Where the curvature vanishes a step has no natural end.
    const Vector whole = path.within(radius).step;
    const double reach = first_length(state.at_point, whole);
    if (reach < 1) {
        radius = reach * euclidean_norm(whole);
    }
    for (int trials = 0; trials < most_trials; ++trials) {
        CgPath::Step step = path.within(radius);
        if (state.point + step.step == state.point) {
            break;
        }
        Trial trial = tried(objective, state, std::move(step), state.evaluations);
        if (!is_accepted(trial, state.at_point)) {
            if (trial.is_level) {
                break;
            }
            radius = radius_after_failure(trial);
            continue;
        }
        std::map<std::string, Matrix> memory;
        remember(memory, radius_key, radius_after(trial, radius));
        remember(memory, products_key,
                 remembered(state, products_key, 0) + static_cast<double>(path.products()));
        remember(memory, gradient_key, gradient);
        memory.emplace(Stall::key, stall.after(trial.at_point));

        // Nothing below can fail, so the state changes wholly or not at all.
        state.memory = std::move(memory);
        state.point = std::move(trial.point);
        state.at_point = std::move(trial.at_point);
        ++state.iteration;
        return StepResult::moved;
    }
    return StepResult::no_progress;
}

Index products_used(const State& state) {
    return static_cast<Index>(remembered(state, products_key, 0));
}

}  // namespace paralogit::optim
