#pragma once

#include <algorithm>

#include "ordered_sums.hpp"
#include "paralogit/optim/solver.hpp"

namespace paralogit::optim {

/// Near the limit of precision the steps follow rounding errors and could go on for ever. Counts
/// the steps in a row that made neither the value nor the gradient smaller than it ever was: above
/// the limit the value falls in every step, and rounding sets records ever more rarely.
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
        const double gradient = max_norm(now.gradient);
        const bool is_record = now.value < least_value || gradient < least_gradient;
        return Eigen::Vector3d(std::min(least_value, now.value), std::min(least_gradient, gradient),
                               is_record ? 0 : steps + 1);
    }
};

}  // namespace paralogit::optim
