#include "paralogit/optim/owl_qn.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "option_checks.hpp"
#include "ordered_sums.hpp"
#include "prox_search.hpp"
#include "quasi_newton.hpp"

namespace paralogit::optim {

namespace {

constexpr double most_stalled_steps = 100;

/// 1 for the variables that a step may move, else 0: what is 0 and not driven away, or at a bound
/// and not driven inside, stays.
Vector mask_of(const SeparableTerm& term, const Vector& point, const Vector& violations) {
    Vector mask(point.size());
    for (Index j = 0; j < point.size(); ++j) {
        const bool is_smooth = (point[j] != 0 || term.l1[j] == 0) && point[j] > term.lower[j] &&
                               point[j] < term.upper[j];
        mask[j] = is_smooth || violations[j] != 0 ? 1 : 0;
    }
    return mask;
}

/// As two_loop_direction, of the variables of the mask alone. Pairs that tell of no curvature there
/// are left out.
Vector masked_direction(const Pairs& pairs, const Vector& mask, const Vector& violations) {
    const Index count = pairs.count();
    std::vector<double> curvature(static_cast<std::size_t>(count));
    std::vector<double> alpha(static_cast<std::size_t>(count));
    const double least_cosine = 1e-8;
    Vector direction = -violations;
    double initial = 0;
    for (Index k = count - 1; k >= 0; --k) {
        const auto at = static_cast<std::size_t>(k);
        const auto s = pairs.s_of(k);
        const auto y = pairs.y_of(k);
        const double sy = weighted_dot(mask, s, y);
        const double yy = weighted_dot(mask, y, y);
        const double ss = weighted_dot(mask, s, s);
        if (!(sy > least_cosine * std::sqrt(ss) * std::sqrt(yy)) || !std::isnormal(yy)) {
            continue;
        }
        curvature[at] = sy;
        initial = initial == 0 ? sy / yy : initial;
        alpha[at] = weighted_dot(mask, s, direction) / sy;
        direction -= alpha[at] * y;
    }
    direction = initial * direction.cwiseProduct(mask);
    for (Index k = 0; k < count; ++k) {
        const auto at = static_cast<std::size_t>(k);
        if (curvature[at] > 0) {
            const double beta = weighted_dot(mask, pairs.y_of(k), direction) / curvature[at];
            direction += (alpha[at] - beta) * pairs.s_of(k);
        }
    }
    return direction.cwiseProduct(mask);
}

/// A variable that is 0, or at a bound, can only go the way that the subgradient says.
void align(Vector& direction, const SeparableTerm& term, const Vector& point,
           const Vector& violations) {
    for (Index j = 0; j < point.size(); ++j) {
        const bool is_at_edge = (point[j] == 0 && term.l1[j] > 0) || point[j] == term.lower[j] ||
                                point[j] == term.upper[j];
        if (is_at_edge && direction[j] * violations[j] > 0) {
            direction[j] = 0;
        }
    }
}

/// Straight on, but signs stay as they are, or as the way away from 0 makes them.
Path within_orthant(const SeparableTerm& term, const State& state, const Vector& direction,
                    const Vector& violations) {
    return {.point_at =
                [&](double part) {
                    Vector point = state.point + part * direction;
                    for (Index j = 0; j < point.size(); ++j) {
                        const double side = state.point[j] != 0 ? state.point[j] : -violations[j];
                        if (term.l1[j] > 0 && point[j] * side < 0) {
                            point[j] = 0;
                        }
                    }
                    return term.within_bounds(point);
                },
            .promise =
                [&](const Vector& point, double) {
                    return ordered_sum(point.size(), [&](Index j) {
                        return violations[j] * (point[j] - state.point[j]);
                    });
                }};
}

}  // namespace

OwlQn::OwlQn(const OwlQnOptions& options) : options_(options) {
    require_option(options.history >= 1, "--history", options.history, "a whole number, 1 or more");
}

State OwlQn::start(Objective& objective, const Vector& point) const {
    return Solver::start(objective, as_composite(objective).separable().within_bounds(point));
}

StepResult OwlQn::step(Objective& objective, State& state) const {
    CompositeObjective& composite = as_composite(objective);
    if (!is_finite(state.at_point)) {
        return StepResult::diverged;
    }
    const SeparableTerm& term = composite.separable();
    const Vector violations = term.least_subgradient(state.point, state.at_point.gradient);
    const Stall stall = stall_of(state, violations);
    if (stall.steps >= most_stalled_steps || max_norm(violations) == 0) {
        return StepResult::no_progress;
    }
    const Matrix none(state.point.size(), 0);
    const Pairs pairs = Pairs::of(state, none);
    const auto search = [&](Vector direction) {
        align(direction, term, state.point, violations);
        return search_path(composite, state, within_orthant(term, state, direction, violations),
                           state.evaluations);
    };
    std::optional<LineSearchResult> found;
    if (pairs.count() > 0) {
        const Vector mask = mask_of(term, state.point, violations);
        found = search(masked_direction(pairs, mask, violations));
    }
    const bool is_history_useful = found.has_value();
    if (!is_history_useful) {
        found = search(steepest_direction(violations));
    }
    if (!found) {
        return StepResult::no_progress;
    }
    const Matrix stalled =
        stalled_after(stall, found->at_point.value,
                      term.least_subgradient(found->point, found->at_point.gradient));

    // What could fail from here on is to find memory for one more pair, which ends the run.
    const Vector s = found->point - state.point;
    const Vector y = found->at_point.gradient - state.at_point.gradient;
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
