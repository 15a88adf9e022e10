#include "solver_runs.hpp"

#include "paralogit/optim/stopping.hpp"

namespace paralogit::optim::test_problems {

std::vector<State> states_of_run(const Solver& solver, Objective& objective, const Vector& start,
                                 std::size_t steps) {
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

Matrix some_hessian() {
    return Matrix{{4.0, 1.0, 0.5}, {1.0, 3.0, -1.0}, {0.5, -1.0, 2.0}};
}

CurvedFunction quadratic(const Matrix& a, const Matrix& claimed) {
    return {a.rows(),
            [a](const Vector& x) {
                const Vector u = x - Vector::Ones(x.size());
                return Evaluation{.value = 1 + u.dot(a * u) / 2, .gradient = a * u};
            },
            [claimed](const Vector&) { return claimed; }};
}

CurvedFunction coarse_quadratic(const Matrix& a) {
    return {a.rows(),
            [a](const Vector& x) {
                constexpr double grid = 1e-6;
                const Vector rounded = (x / grid).array().round() * grid;
                const Vector u = rounded - Vector::Constant(x.size(), 1 + grid / 3);
                return Evaluation{.value = 1 + u.dot(a * u) / 2, .gradient = a * u};
            },
            [a](const Vector&) { return a; }};
}

Index evaluations_until_no_progress(const Solver& solver, Objective& objective) {
    State state = solver.start(objective, Vector::Zero(objective.dimension()));
    StepResult result = StepResult::moved;
    for (int k = 0; k < 2000 && result == StepResult::moved; ++k) {
        result = solver.step(objective, state);
    }
    EXPECT_EQ(result, StepResult::no_progress);
    return state.evaluations;
}

}  // namespace paralogit::optim::test_problems
