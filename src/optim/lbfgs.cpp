#include "paralogit/optim/lbfgs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "option_checks.hpp"
#include "ordered_sums.hpp"

namespace paralogit::optim {

namespace {

constexpr const char* s_key = "s";
constexpr const char* y_key = "y";
constexpr const char* stall_key = "stall";

/// The pairs s_k = point_{k+1} - point_k, y_k = gradient_{k+1} - gradient_k; a column each, the
/// oldest first.
struct Pairs {
    const Matrix& s;
    const Matrix& y;
};

const Matrix& remembered(const State& state, const char* key, const Matrix& none) {
    const auto found = state.memory.find(key);
    return found == state.memory.end() ? none : found->second;
}

/// d = -H g, H the inverse Hessian that the pairs describe (Nocedal & Wright 2006, algorithm 7.4),
/// with H_0 = (s.y / y.y) I of the newest pair (their equation 7.20).
Vector quasi_newton_direction(const Pairs& pairs, const Vector& gradient) {
    const Index count = pairs.s.cols();
    std::vector<double> curvature(static_cast<std::size_t>(count));
    std::vector<double> alpha(static_cast<std::size_t>(count));
    Vector direction = -gradient;
    for (Index k = count - 1; k >= 0; --k) {
        const auto at = static_cast<std::size_t>(k);
        curvature[at] = dot(pairs.s.col(k), pairs.y.col(k));
        alpha[at] = dot(pairs.s.col(k), direction) / curvature[at];
        direction -= alpha[at] * pairs.y.col(k);
    }
    const auto newest = pairs.y.col(count - 1);
    direction *= curvature.back() / dot(newest, newest);
    for (Index k = 0; k < count; ++k) {
        const auto at = static_cast<std::size_t>(k);
        const double beta = dot(pairs.y.col(k), direction) / curvature[at];
        direction += (alpha[at] - beta) * pairs.s.col(k);
    }
    return direction;
}

/// Downhill, and no longer than 1: nothing is known of the scale yet.
Vector steepest_direction(const Vector& gradient) {
    return -std::min(1.0, 1 / euclidean_norm(gradient)) * gradient;
}

/// Whether the pair describes a positive definite Hessian, beyond the reach of rounding. The form
/// s.y > epsilon |s| |y| is scale free (Byrd, Lu, Nocedal & Zhu 1995 compare with |y|^2). By
/// Kantorovich's inequality s.y / (|s| |y|) is at least 2 / sqrt(condition number) for a quadratic:
/// the bound leaves out what only a Hessian that is singular in double arithmetic can give.
bool is_trusted(const Vector& s, const Vector& y) {
    const double least_cosine = std::sqrt(std::numeric_limits<double>::epsilon());
    const double curvature = dot(s, y);
    const double squared_y = dot(y, y);
    return std::isnormal(squared_y) && std::isnormal(curvature) &&
           curvature > least_cosine * euclidean_norm(s) * euclidean_norm(y);
}

/// The columns with one more; the oldest make room beyond `history`.
Matrix appended(const Matrix& columns, const Vector& newest, Index history) {
    const Index kept = std::min<Index>(columns.cols(), history - 1);
    Matrix result(newest.size(), kept + 1);
    result.leftCols(kept) = columns.rightCols(kept);
    result.col(kept) = newest;
    return result;
}

/// Near the limit of precision the steps follow rounding errors and could go on for ever. Counts
/// the steps in a row that made neither the value nor the gradient smaller than it ever was: above
/// the limit the value falls in every step, and rounding sets records ever more rarely.
struct Stall {
    static constexpr double most_steps = 100;

    double least_value;
    double least_gradient;
    double steps;

    static Stall of(const State& state) {
        const auto found = state.memory.find(stall_key);
        if (found == state.memory.end()) {
            return {.least_value = state.at_point.value,
                    .least_gradient = max_norm(state.at_point.gradient),
                    .steps = 0};
        }
        const Matrix& stall = found->second;
        return {.least_value = stall(0, 0), .least_gradient = stall(1, 0), .steps = stall(2, 0)};
    }

    Matrix after(const Evaluation& now) const {
        const double gradient = max_norm(now.gradient);
        const bool is_record = now.value < least_value || gradient < least_gradient;
        return Eigen::Vector3d(std::min(least_value, now.value), std::min(least_gradient, gradient),
                               is_record ? 0 : steps + 1);
    }
};

}  // namespace

Lbfgs::Lbfgs(const LbfgsOptions& options) : options_(options) {
    const LineSearchOptions& search = options.line_search;
    require_option(options.history >= 1, "--history", options.history, "a whole number, 1 or more");
    require_option(search.sufficient_decrease > 0 && search.sufficient_decrease < 0.5,
                   "--sufficient-decrease", search.sufficient_decrease,
                   "a number above 0 and below 0.5");
    require_option(search.curvature > search.sufficient_decrease && search.curvature < 1,
                   "--curvature", search.curvature,
                   fmt::format("a number above --sufficient-decrease ({}) and below 1",
                               search.sufficient_decrease));
    require_option(search.max_evaluations >= 1, "--max-trials", search.max_evaluations,
                   "a whole number, 1 or more");
}

StepResult Lbfgs::step(Objective& objective, State& state) const {
    if (!is_finite(state.at_point)) {
        return StepResult::diverged;
    }
    const Stall stall = Stall::of(state);
    if (stall.steps >= Stall::most_steps) {
        return StepResult::no_progress;
    }
    const Matrix none(state.point.size(), 0);
    const Pairs pairs{.s = remembered(state, s_key, none), .y = remembered(state, y_key, none)};
    const auto search = [&](const Vector& direction) {
        return strong_wolfe_search(objective, state.point, state.at_point, direction, 1.0,
                                   options_.line_search, state.evaluations);
    };

    std::optional<LineSearchResult> found;
    if (pairs.s.cols() > 0) {
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
    const Matrix& kept_s = is_history_useful ? pairs.s : none;
    const Matrix& kept_y = is_history_useful ? pairs.y : none;
    const bool is_kept = is_trusted(s, y);
    std::map<std::string, Matrix> memory;
    memory.emplace(s_key, is_kept ? appended(kept_s, s, options_.history) : kept_s);
    memory.emplace(y_key, is_kept ? appended(kept_y, y, options_.history) : kept_y);
    memory.emplace(stall_key, stall.after(found->at_point));

    // Nothing below can fail, so the state changes wholly or not at all.
    state.memory = std::move(memory);
    state.point = std::move(found->point);
    state.at_point = std::move(found->at_point);
    ++state.iteration;
    return StepResult::moved;
}

}  // namespace paralogit::optim
