#pragma once

#include <algorithm>
#include <cmath>

#include "ordered_sums.hpp"
#include "paralogit/optim/line_search.hpp"
#include "paralogit/optim/solver.hpp"
#include "precision.hpp"

namespace paralogit::optim {

/// Near the limit of precision the steps follow rounding errors and could go on for ever. Counts
/// the steps in a row that made neither the value nor the gradient smaller than it ever was: above
/// the limit the value falls in every step, and rounding sets records ever more rarely.
/// A line search that used up its trials has cost as many evaluations as twenty steps, so that few
/// of these are enough: a record of that little may be rounding as well.
struct Stall {
    static constexpr const char* key = "stall";

    double least_value;
    double least_gradient;
    double steps;

    static Stall of(const State& state) {
        const auto found = state.memory.find(key);
        if (found == state.memory.end()) {
            return {.least_value = state.at_point.value,
                    .least_gradient = max_norm(state.at_point.gradient),
                    .steps = 0};
        }
        const Matrix& stall = found->second;
        return {.least_value = stall(0, 0), .least_gradient = stall(1, 0), .steps = stall(2, 0)};
    }

    /// As a column of memory, once the solver has gone to `now`.
    Matrix after(const Evaluation& now) const {
        const bool is_record =
            falls_by(value_resolution, now) || max_norm(now.gradient) < least_gradient;
        return with_steps(now, is_record ? 0 : steps + 1);
    }

    /// The same after a line search. Of those that used up their trials four in a row make
    /// `most_steps`.
    Matrix after(const LineSearchResult& found, double most_steps) const {
        return found.is_accepted ? after(found.at_point)
                                 : after_failed_search(found.at_point, most_steps);
    }

    Matrix after_failed_search(const Evaluation& now, double most_steps) const {
        constexpr double most = 4;
        constexpr double real_progress = 1e-6;
        return with_steps(now, falls_by(real_progress, now) ? 0 : steps + most_steps / most);
    }

  private:
    bool falls_by(double fraction, const Evaluation& now) const {
        return now.value < least_value - fraction * std::abs(least_value);
    }
    /// What falls by less than the rounding of a value adds up until it is more.
    Matrix with_steps(const Evaluation& now, double new_steps) const {
        return Eigen::Vector3d(new_steps == 0 ? std::min(least_value, now.value) : least_value,
                               std::min(least_gradient, max_norm(now.gradient)), new_steps);
    }
};

}  // namespace paralogit::optim
