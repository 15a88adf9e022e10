#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "curved_problems.hpp"
#include "paralogit/base/error.hpp"
#include "paralogit/optim/solver.hpp"

// What the tests of the second-order solvers do alike.

namespace paralogit::optim::test_problems {

/// The states of a run, the start first, until the gradient is 1e-9 or a step does not move.
std::vector<State> states_of_run(const Solver& solver, Objective& objective, const Vector& start,
                                 std::size_t steps = 300);

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

Matrix some_hessian();

/// (x - 1)' A (x - 1) / 2 + 1, which claims any Hessian.
CurvedFunction quadratic(const Matrix& a, const Matrix& claimed);

/// A function whose parameters lose all digits behind 1e-6, as margins do of a feature far from
/// zero: 1 + (x - c)' A (x - c) / 2 at the rounded x, where no point of the grid is c.
CurvedFunction coarse_quadratic(const Matrix& a);

/// The evaluations that a solver takes until it says that it makes no progress.
Index evaluations_until_no_progress(const Solver& solver, Objective& objective);

}  // namespace paralogit::optim::test_problems
