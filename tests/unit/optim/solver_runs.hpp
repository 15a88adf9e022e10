#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "curved_problems.hpp"
#include "paralogit/base/error.hpp"
#include "paralogit/optim/solver.hpp"
#include "paralogit/optim/stopping.hpp"

// What the tests of the second-order solvers do alike.

namespace paralogit::optim::test_problems {

/// The states of a run, the start first, until the gradient is 1e-9 or a step does not move.
inline std::vector<State> states_of_run(const Solver& solver, Objective& objective,
                                        const Vector& start, std::size_t steps = 300) {
    std::vector<State> states{solver.start(objective, start)};
    while (gradient_norm(states.back()) > 1e-9 && states.size() <= steps) {
        State next = states.back();
        if (solver.step(objective, next) != StepResult::moved) {
            break;
        }
        states.push_back(next);
    }
    return states;
}

/// What the solver says of its options.
template <typename AnySolver, typename Options>
std::string error_of(const Options& options) {
    try {
        const AnySolver solver(options);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::usage);
        return error.what();
    }
    return "no error";
}

inline Matrix some_hessian() {
    return Matrix{{4.0, 1.0, 0.5}, {1.0, 3.0, -1.0}, {0.5, -1.0, 2.0}};
}

/// (x - 1)' A (x - 1) / 2 + 1, which claims any Hessian.
inline CurvedFunction quadratic(const Matrix& a, const Matrix& claimed) {
    return {a.rows(),
            [a](const Vector& x) {
                const Vector u = x - Vector::Ones(x.size());
                return Evaluation{.value = 1 + u.dot(a * u) / 2, .gradient = a * u};
            },
            [claimed](const Vector&) { return claimed; }};
}

/// A function whose parameters lose all digits behind 1e-6, as margins do of a feature far from
/// zero: 1 + (x - c)' A (x - c) / 2 at the rounded x, where no point of the grid is c.
inline CurvedFunction coarse_quadratic(const Matrix& a) {
    return {a.rows(),
            [a](const Vector& x) {
                constexpr double grid = 1e-6;
                const Vector rounded = (x / grid).array().round() * grid;
                const Vector u = rounded - Vector::Constant(x.size(), 1 + grid / 3);
                return Evaluation{.value = 1 + u.dot(a * u) / 2, .gradient = a * u};
            },
            [a](const Vector&) { return a; }};
}

/// The evaluations that a solver takes until it says that it makes no progress.
inline Index evaluations_until_no_progress(const Solver& solver, Objective& objective) {
    State state = solver.start(objective, Vector::Zero(objective.dimension()));
    StepResult result = StepResult::moved;
    for (int k = 0; k < 2000 && result == StepResult::moved; ++k) {
        result = solver.step(objective, state);
    }
    EXPECT_EQ(result, StepResult::no_progress);
    return state.evaluations;
}

}  // namespace paralogit::optim::test_problems
