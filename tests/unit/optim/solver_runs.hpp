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

}  // namespace paralogit::optim::test_problems
