#include "paralogit/optim/newton_cg.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "cg_step.hpp"
#include "curved.hpp"
#include "option_checks.hpp"
#include "ordered_sums.hpp"
#include "paralogit/optim/line_search.hpp"
#include "precision.hpp"
#include "quasi_newton.hpp"
#include "refresh_policy.hpp"
#include "stall.hpp"

namespace paralogit::optim {

namespace {

constexpr const char* radius_key = "radius";
constexpr const char* products_key = "products";
constexpr const char* gradient_key = "gradient_before";
constexpr const char* thinning_key = "thinning";
constexpr const char* mark_key = "gradient_at_mark";
constexpr const char* steps_key = "steps_since_mark";
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
    constexpr double first = 0.5;
    constexpr double most = 0.5;
    constexpr double least = 0.01;
    constexpr double factor = 0.9;
    if (std::isinf(gradient_before)) {
        return first;
    }
    const double contraction = gradient / gradient_before;
    return std::clamp(factor * contraction * contraction, least, most);
}

/// A positive diagonal in place of the Hessian: the objective's own choice, or the Hessian's
/// diagonal from some of the rows and a hundredth of its mean, so that features of which these rows
/// say nothing are not taken to be flat. Ones where it is of no use.
Vector preconditioner(CurvedObjective& objective, const Vector& point, Index thinning) {
    constexpr Index rows_needed = 16384;
    constexpr double least_part = 0.01;
    if (std::optional<Vector> own = objective.preconditioner(point)) {
        return *std::move(own);
    }
    while (thinning * 2 <= objective.most_thinning() &&
           objective.rows() / (thinning * 2) >= rows_needed) {
        thinning *= 2;
    }
    Vector diagonal = objective.hessian_diagonal(point, thinning).cwiseMax(0.0);
    const double sum = ordered_sum(diagonal.size(), [&](Index j) { return diagonal[j]; });
    const double mean = sum / static_cast<double>(diagonal.size());
    if (!(mean > 0) || !std::isfinite(max_norm(diagonal)) || !std::isnormal(least_part * mean)) {
        return Vector::Ones(diagonal.size());
    }
    diagonal.array() += least_part * mean;
    return diagonal;
}

/// No loss falls below 0. Where the curvature vanishes a model does, and has no end. For a function
/// that does fall below 0 it is a guess that shortens steps until it is there.
double most_decrease(const Evaluation& at_point) {
    return at_point.value > 0 ? at_point.value : infinity;
}

/// Without the variables that follow others; and a point after a step of the others alone.
Vector without(const Range& following, const Vector& of_all) {
    Vector others(of_all.size() - following.size());
    others.head(following.first) = of_all.head(following.first);
    others.tail(of_all.size() - following.end) = of_all.tail(of_all.size() - following.end);
    return others;
}

Vector moved(const Range& following, const Vector& point, const Vector& step_of_others) {
    if (following.size() == 0) {
        return point + step_of_others;
    }
    const Index behind = point.size() - following.end;
    Vector there = point;
    there.head(following.first) += step_of_others.head(following.first);
    there.tail(behind) += step_of_others.tail(behind);
    return there;
}

/// The objective at the end of a step, beside what the model promised.
struct Trial {
    Vector point;
    Evaluation at_point;
    bool is_level;  ///< whether the values at both ends cannot be told apart
    double ratio;   ///< of the true to the promised change of the value
    double reach;   ///< where a parabola through both values and the slope is least; 1 is the step
};

/// Lin & More 1999, algorithm 2.1 with the constants of section 6.
double radius_after(const CgStep& step, const Trial& trial, double radius) {
    constexpr double least_shrinking = 0.25;
    constexpr double most_shrinking = 0.5;
    constexpr double growth = 4;
    constexpr double poor = 0.25;
    constexpr double good = 0.75;
    // The first radius is whatever the first step makes of it.
    const double present = std::min(radius, step.length);
    const double base = std::isinf(radius) ? present : radius;
    const double reach = std::max(trial.reach, least_shrinking) * step.length;
    if (trial.ratio < poor) {
        return std::max(least_shrinking * base, std::min(reach, most_shrinking * base));
    }
    if (trial.ratio < good) {
        return std::max(least_shrinking * base, std::min(reach, growth * base));
    }
    return step.is_at_border ? growth * base : std::max(base, std::min(reach, growth * base));
}

bool is_accepted(const Trial& trial, const Evaluation& before) {
    constexpr double least_ratio = 1e-4;
    if (trial.is_level) {
        return euclidean_norm(trial.at_point.gradient) < euclidean_norm(before.gradient);
    }
    return trial.ratio > least_ratio;
}

/// A smaller radius after a trial that was not accepted.
double radius_after_failure(const CgStep& step, const Trial& trial) {
    constexpr double least_shrinking = 0.1;
    constexpr double most_shrinking = 0.5;
    return step.length * std::clamp(trial.reach, least_shrinking, most_shrinking);
}

/// The trial at the end of a step, which leads to `point`; `evaluations` is raised before.
Trial tried(CurvedObjective& objective, const State& state, const CgStep& step, Vector point,
            Index& evaluations) {
    Trial trial{.point = std::move(point),
                .at_point = {},
                .is_level = false,
                .ratio = -infinity,
                .reach = 0};
    ++evaluations;
    trial.at_point = objective.evaluate_at_best(trial.point);
    if (!is_finite(trial.at_point)) {
        return trial;
    }
    const double change = trial.at_point.value - state.at_point.value;
    trial.is_level = is_level(trial.at_point.value, state.at_point.value, state.at_point.value);
    trial.ratio = trial.is_level ? 1 : change / step.model_value();
    trial.reach = change <= step.slope ? infinity : -step.slope / 2 / (change - step.slope);
    return trial;
}

/// Whether a step hardly made progress and the choice of rows may be the reason.
bool has_too_few_rows(const CurvedObjective& objective, Index thinning, const Vector& before,
                      const Vector& after) {
    constexpr double poor = 0.9;
    constexpr double useless = 0.5;
    const HessianCosts costs{
        .rows = objective.rows(), .dimension = before.size(), .hessian_cost = 1};
    return sampling_contraction(costs, thinning) > useless &&
           euclidean_norm(after) > poor * euclidean_norm(before);
}

/// How the gradient has fallen since a step at which it was written down.
struct Progress {
    double mark;  ///< its size then; infinite before the first step
    double steps;

    static Progress of(const State& state) {
        return {.mark = remembered(state, mark_key, infinity),
                .steps = remembered(state, steps_key, 0)};
    }

    /// After one more step. Whether it has fallen so little in some steps that the choice of rows
    /// may be the reason: one alone may not tell, for the size goes up and down where the rows
    /// leave out what some variables depend on.
    bool is_slow_after(double gradient) {
        constexpr double most_steps = 5;
        constexpr double least_fall = 0.1;
        ++steps;
        if (steps < most_steps && std::isfinite(mark)) {
            return false;
        }
        const bool is_slow = gradient > least_fall * mark;
        *this = {.mark = gradient, .steps = 0};
        return is_slow;
    }

    void write_to(std::map<std::string, Matrix>& memory) const {
        remember(memory, mark_key, mark);
        remember(memory, steps_key, steps);
    }
};

/// Where a step leads.
struct Move {
    Vector point;
    Evaluation at_point;
    double radius;  ///< for the next step
    bool is_accepted = true;
};

std::optional<Move> move_along(CurvedObjective& objective, State& state, const Vector& direction,
                               double first_length) {
    constexpr LineSearchOptions line_search{.max_evaluations = 40};
    auto found = strong_wolfe_search(objective, state.point, state.at_point, direction,
                                     first_length, line_search, state.evaluations);
    if (!found) {
        return std::nullopt;
    }
    if (objective.following().size() > 0) {
        // The search went by all variables alike.
        ++state.evaluations;
        found->at_point = objective.evaluate_at_best(found->point);
    }
    // What was known of the radius has been of no use.
    return Move{.point = std::move(found->point),
                .at_point = std::move(found->at_point),
                .radius = infinity,
                .is_accepted = found->is_accepted};
}

/// From a start at which nearly all of the curvature has vanished the model leads nowhere, and the
/// way back may take thousands of steps. Zero is the better start if it has a lower value. If not,
/// a start in other units is on the straight line to one in the right units, which leads to 0.
std::optional<Move> move_towards_zero(CurvedObjective& objective, State& state) {
    Vector zero = Vector::Zero(state.point.size());
    ++state.evaluations;
    Evaluation at_zero = objective.evaluate_at_best(zero);
    if (is_finite(at_zero) && at_zero.value < state.at_point.value) {
        return Move{.point = std::move(zero), .at_point = std::move(at_zero), .radius = infinity};
    }
    constexpr double half = 0.5;
    return move_along(objective, state, -state.point, half);
}

std::optional<Move> move_downhill(CurvedObjective& objective, State& state) {
    const Vector direction = steepest_direction(state.at_point.gradient);
    return move_along(objective, state, direction, first_length(state.at_point, direction));
}

/// The first step where variables follow others, which may begin anywhere.
void let_follow(CurvedObjective& objective, State& state) {
    Vector point = state.point;
    ++state.evaluations;
    state.at_point = objective.evaluate_at_best(point);
    state.point = std::move(point);
    ++state.iteration;
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
    const Vector& gradient = state.at_point.gradient;
    if (max_norm(gradient) == 0 || stall.steps >= most_stalled_steps) {
        return StepResult::no_progress;
    }
    const Range following = curved.following();
    if (following.size() > 0 && state.iteration == 0) {
        let_follow(curved, state);
        return StepResult::moved;
    }
    const bool is_first = state.iteration == (following.size() > 0 ? 1 : 0);
    Index thinning = static_cast<Index>(
        remembered(state, thinning_key,
                   static_cast<double>(std::min(options_.thinning, curved.most_thinning()))));
    Index products = 0;  // of all steps that were tried
    double radius = remembered(state, radius_key, infinity);
    double size = 0;  // of the gradient, as the preconditioner measures it
    const Vector of_others = following.size() > 0 ? without(following, gradient) : Vector();
    const Vector& slopes = following.size() > 0 ? of_others : gradient;
    const auto minimise_model = [&] {
        const Metric metric(preconditioner(curved, state.point, thinning), curved.threads());
        size = std::sqrt(squared_size(metric, slopes, curved.threads()));
        CgStep found = conjugate_gradients(
            curved, state.point, slopes, metric,
            {.thinning = thinning,
             .radius = radius,
             .forcing = forcing_term(size, remembered(state, gradient_key, infinity)),
             .max_products = options_.max_products,
             .most_decrease = most_decrease(state.at_point)});
        products += found.products;
        return found;
    };
    CgStep step = minimise_model();
    std::optional<Move> move;
    if (step.is_at_bottom && is_first && max_norm(state.point) > 0) {
        move = move_towards_zero(curved, state);
    }
    bool is_at_limit = false;
    for (int trials = 0; trials < most_trials && !move && !is_at_limit; ++trials) {
        Vector point = moved(following, state.point, step.step);
        if (point == state.point) {
            break;
        }
        Trial trial = tried(curved, state, step, std::move(point), state.evaluations);
        if (is_accepted(trial, state.at_point)) {
            const double next_radius = radius_after(step, trial, radius);
            move = Move{.point = std::move(trial.point),
                        .at_point = std::move(trial.at_point),
                        .radius = next_radius};
        } else if (!trial.is_level) {
            radius = radius_after_failure(step, trial);
            step.shorten_to(radius);
        } else if (thinning > 1) {
            // The gradient can be told from zero much longer than the value from its minimum, but
            // not by steps that err as much as a few rows do.
            thinning = 1;
            step = minimise_model();
        } else {
            is_at_limit = true;
        }
    }
    if (!move && !is_at_limit) {
        move = move_downhill(curved, state);
    }
    const double all_products = remembered(state, products_key, 0) + static_cast<double>(products);
    if (!move) {
        remember(state.memory, products_key, all_products);
        return StepResult::no_progress;
    }
    Progress progress = Progress::of(state);
    const bool is_slow = progress.is_slow_after(euclidean_norm(move->at_point.gradient));
    if (is_slow || has_too_few_rows(curved, thinning, gradient, move->at_point.gradient)) {
        thinning = std::max<Index>(thinning / 4, 1);
    }
    std::map<std::string, Matrix> memory;
    progress.write_to(memory);
    remember(memory, radius_key, move->radius);
    remember(memory, products_key, all_products);
    remember(memory, thinning_key, static_cast<double>(thinning));
    remember(memory, gradient_key, size);
    memory.emplace(Stall::key, move->is_accepted
                                   ? stall.after(move->at_point)
                                   : stall.after_failed_search(move->at_point, most_stalled_steps));

    // Nothing below can fail, so the state changes wholly or not at all.
    state.memory = std::move(memory);
    state.point = std::move(move->point);
    state.at_point = std::move(move->at_point);
    ++state.iteration;
    return StepResult::moved;
}

Index products_used(const State& state) {
    return static_cast<Index>(remembered(state, products_key, 0));
}

}  // namespace paralogit::optim
