#include "prox_search.hpp"

#include <algorithm>
#include <cmath>

#include "ordered_sums.hpp"
#include "paralogit/base/error.hpp"
#include "precision.hpp"

namespace paralogit::optim {

namespace {

constexpr int most_trials = 30;
/// Where values cannot be told apart a shorter step may be nearer, but not a very short one.
constexpr int most_level_trials = 4;

/// The change of the value to first order, for all of the way.
double slope_towards(const State& state, const Vector& target, const SeparableTerm& term) {
    const Vector& from = state.point;
    const Vector& gradient = state.at_point.gradient;
    return ordered_sum(from.size(), [&](Index j) {
        return target[j] == from[j] ? 0.0
                                    : gradient[j] * (target[j] - from[j]) +
                                          term.l1[j] * (std::abs(target[j]) - std::abs(from[j]));
    });
}

/// 1, or less where the slope promises to go far below 0, which no loss does (see first_length).
double first_part(double value, double slope) {
    const bool is_too_far = value > 0 && -slope > 4 * value;
    return is_too_far ? value / -slope : 1.0;
}

double violation_of(const SeparableTerm& term, const Vector& point, const Vector& gradient) {
    return euclidean_norm(term.least_subgradient(point, gradient));
}

}  // namespace

CompositeObjective& as_composite(Objective& objective) {
    auto* const composite = dynamic_cast<CompositeObjective*>(&objective);
    if (composite == nullptr) {
        throw Error(ExitCode::internal,
                    "internal error: this solver needs an objective with a separable part");
    }
    return *composite;
}

std::optional<LineSearchResult> search_path(CompositeObjective& objective, const State& state,
                                            const Path& path, Index& evaluations) {
    constexpr double sufficient_decrease = 1e-4;
    constexpr double least_shrinking = 0.1;
    constexpr double most_shrinking = 0.5;
    const SeparableTerm& term = objective.separable();
    const double value = state.at_point.value;
    int level_trials = 0;
    double part = first_part(value, path.promise(path.point_at(1), 1));
    for (int trial = 0; trial < most_trials; ++trial) {
        LineSearchResult at{.point = path.point_at(part), .at_point = {}, .step_length = part};
        const double promise = path.promise(at.point, part);
        if (!(promise < 0) || at.point == state.point) {
            return std::nullopt;
        }
        ++evaluations;
        at.at_point = objective.evaluate(at.point);
        const double change = at.at_point.value - value;
        const bool is_usable = is_finite(at.at_point);
        if (is_usable && is_level(at.at_point.value, value, value)) {
            const bool is_nearer = violation_of(term, at.point, at.at_point.gradient) <
                                   violation_of(term, state.point, state.at_point.gradient);
            if (is_nearer) {
                return at;
            }
            if (++level_trials == most_level_trials) {
                return std::nullopt;
            }
            part *= most_shrinking;
            continue;
        }
        if (is_usable && change <= sufficient_decrease * promise) {
            return at;
        }
        // Where a parabola through both values and the slope is least.
        const double reach = is_usable ? -promise / 2 / (change - promise) : 0.0;
        part *= std::clamp(reach, least_shrinking, most_shrinking);
    }
    return std::nullopt;
}

std::optional<LineSearchResult> search_towards(CompositeObjective& objective, const State& state,
                                               const Vector& target, Index& evaluations) {
    const SeparableTerm& term = objective.separable();
    const double slope = slope_towards(state, target, term);
    return search_path(
        objective, state,
        {.point_at =
             [&](double part) {
                 return part == 1 ? target
                                  : term.within_bounds(state.point + part * (target - state.point));
             },
         .promise = [&](const Vector&, double part) { return part * slope; }},
        evaluations);
}

Stall stall_of(const State& state, const Vector& violations) {
    if (state.memory.contains(Stall::key)) {
        return Stall::of(state);
    }
    return {
        .least_value = state.at_point.value, .least_gradient = max_norm(violations), .steps = 0};
}

Matrix stalled_after(const Stall& stall, double value, const Vector& violations) {
    return stall.after({.value = value, .gradient = violations});
}

}  // namespace paralogit::optim
