#include "paralogit/optim/lbfgs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "paralogit/base/error.hpp"
#include "solver_runs.hpp"
#include "test_problems.hpp"

namespace paralogit::optim {
namespace {

using test_problems::Design;
using test_problems::Function;
using test_problems::have_the_same_bits;
using test_problems::of_one_variable;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

/// The states of a run, the start first, until a step does not move or `steps` are done.
std::vector<State> states_of_run(const Lbfgs& solver, Function& objective, const Vector& start,
                                 int steps) {
    std::vector<State> states{solver.start(objective, start)};
    for (int k = 0; k < steps; ++k) {
        State next = states.back();
        if (solver.step(objective, next) != StepResult::moved) {
            break;
        }
        states.push_back(next);
    }
    return states;
}

std::string error_of(const LbfgsOptions& options) {
    try {
        const Lbfgs solver(options);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::usage);
        return error.what();
    }
    return "no error";
}

using LongVector = Eigen::Vector<long double, Eigen::Dynamic>;
using LongMatrix = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;

/// The columns of a ring, the oldest first.
Matrix in_order(const State& state, const char* key) {
    const Matrix& ring = state.memory.at(key);
    const auto oldest = state.memory.find("oldest");
    Matrix columns(ring.rows(), ring.cols());
    for (Index k = 0; k < ring.cols(); ++k) {
        const auto first =
            oldest == state.memory.end() ? 0 : static_cast<Index>(oldest->second(0, 0));
        columns.col(k) = ring.col((first + k) % ring.cols());
    }
    return columns;
}

/// -H g with the inverse Hessian as a dense matrix, updated pair by pair (Nocedal & Wright 2006,
/// equation 7.16): the oracle of the two-loop recursion.
Vector dense_direction(const State& state) {
    const LongMatrix s = in_order(state, "s").cast<long double>();
    const LongMatrix y = in_order(state, "y").cast<long double>();
    const Index dimension = s.rows();
    const LongMatrix one = LongMatrix::Identity(dimension, dimension);
    const Index newest = s.cols() - 1;
    LongMatrix h = one * (s.col(newest).dot(y.col(newest)) / y.col(newest).dot(y.col(newest)));
    for (Index k = 0; k <= newest; ++k) {
        const long double rho = 1 / s.col(k).dot(y.col(k));
        const LongMatrix left = one - rho * s.col(k) * y.col(k).transpose();
        h = left * h * left.transpose() + rho * s.col(k) * s.col(k).transpose();
    }
    const LongVector direction = -(h * state.at_point.gradient.cast<long double>());
    return direction.cast<double>();
}

TEST(Lbfgs, FirstTriesAStepOfLengthOneAgainstALargeGradient) {
    Function objective = test_problems::rosenbrock(2);
    const Lbfgs solver({});
    State state = solver.start(objective, Vector{{-1.2, 1.0}});
    const Vector expected = state.point - state.at_point.gradient.normalized();
    objective.points.clear();

    ASSERT_EQ(solver.step(objective, state), StepResult::moved);

    EXPECT_LE((objective.points.front() - expected).norm(), 1e-15);
}

TEST(Lbfgs, FirstTriesTheWholeGradientWhenItIsSmall) {
    Function objective =
        of_one_variable([](double x) { return x * x / 32; }, [](double x) { return x / 16; });
    const Lbfgs solver({});
    State state = solver.start(objective, Vector{{1.0}});
    objective.points.clear();

    ASSERT_EQ(solver.step(objective, state), StepResult::moved);

    EXPECT_EQ(objective.points.front()[0], 1.0 - 1.0 / 16);
}

TEST(Lbfgs, ThenTriesTheQuasiNewtonStepOfItsPairs) {
    Function objective = test_problems::rosenbrock(6);
    const Lbfgs solver({.history = 4});
    State state = solver.start(objective, Vector::LinSpaced(6, -1.2, 0.8));
    ASSERT_EQ(solver.step(objective, state), StepResult::moved);

    for (int k = 0; k < 25; ++k) {
        const Vector direction = dense_direction(state);
        const Vector expected = state.point + direction;
        objective.points.clear();

        ASSERT_EQ(solver.step(objective, state), StepResult::moved);

        EXPECT_LE((objective.points.front() - expected).norm(), 1e-10 * direction.norm()) << k;
    }
}

TEST(Lbfgs, RemembersTheLastPairsInARing) {
    Function objective = test_problems::rosenbrock(4);
    const int history = 3;

    const std::vector<State> states =
        states_of_run(Lbfgs({.history = history}), objective, Vector::Zero(4), 8);

    ASSERT_EQ(states.size(), 9U);
    for (std::size_t k = 1; k < states.size(); ++k) {
        const Matrix s = in_order(states[k], "s");
        const Matrix y = in_order(states[k], "y");
        const Index pairs = std::min<Index>(history, static_cast<Index>(k));
        ASSERT_EQ(s.cols(), pairs);
        ASSERT_EQ(y.cols(), pairs);
        for (Index column = 0; column < pairs; ++column) {
            const State& after = states[k - static_cast<std::size_t>(pairs - 1 - column)];
            const State& before = states[k - static_cast<std::size_t>(pairs - column)];
            EXPECT_EQ(s.col(column), after.point - before.point);
            EXPECT_EQ(y.col(column), after.at_point.gradient - before.at_point.gradient);
        }
    }
}

TEST(Lbfgs, CountsIterationsAndEvaluationsAndPassesRowsWrongThrough) {
    Function objective = logistic(Design::independent, 1e-3).objective();
    const Lbfgs solver({});
    State state = solver.start(objective, Vector::Zero(21));

    for (Index k = 1; k <= 5; ++k) {
        ASSERT_EQ(solver.step(objective, state), StepResult::moved);
        EXPECT_EQ(state.iteration, k);
        EXPECT_EQ(state.evaluations, static_cast<Index>(objective.points.size()));
        const auto copy = objective.points;
        EXPECT_EQ(state.at_point.rows_wrong, objective.evaluate(state.point).rows_wrong);
        objective.points = copy;
    }
    EXPECT_GT(state.at_point.rows_wrong, 0);
}

/// From every state of a run, written down and read back, the next seven steps must be the same.
void expect_resumes_with_the_same_bits(Function& objective, const Vector& start) {
    const std::vector<State> states = states_of_run(Lbfgs({.history = 5}), objective, start, 40);
    ASSERT_EQ(states.size(), 41U);
    for (std::size_t k = 0; k + 1 < states.size(); ++k) {
        State resumed = test_problems::read_back(test_problems::written_down(states[k]), states[k]);
        const Lbfgs other({.history = 5});
        for (std::size_t later = k + 1; later < std::min(k + 8, states.size()); ++later) {
            ASSERT_EQ(other.step(objective, resumed), StepResult::moved);
            ASSERT_TRUE(have_the_same_bits(resumed, states[later])) << k << ", " << later;
        }
    }
}

TEST(Lbfgs, ContinuesFromAWrittenStateWithTheSameBits) {
    Function curved = test_problems::rosenbrock(10);
    Function collinear = logistic(Design::collinear, 1e-5).objective();

    expect_resumes_with_the_same_bits(curved, Vector::Constant(10, -1.2));
    expect_resumes_with_the_same_bits(collinear, Vector::Zero(21));
}

TEST(Lbfgs, KeepsItsStateWhenTheObjectiveThrowsAndGoesOnWithTheSameBits) {
    Function sound = test_problems::rosenbrock(4);
    const Lbfgs solver({.history = 3});
    const std::vector<State> states = states_of_run(solver, sound, Vector::Zero(4), 15);
    for (const State& state : states) {
        Function broken(
            4, [](const Vector&) -> Evaluation { throw std::runtime_error("lost a rank"); });
        State tried = state;

        EXPECT_THROW(solver.step(broken, tried), std::runtime_error);

        EXPECT_EQ(tried.evaluations, state.evaluations + 1);
        tried.evaluations = state.evaluations;
        EXPECT_TRUE(have_the_same_bits(tried, state));
    }
}

TEST(Lbfgs, TriesSteepestDescentOnceAfterItsHistoryFailedThenGivesUp) {
    Function sound = logistic(Design::independent, 1e-3).objective();
    const Lbfgs solver({});
    State state = states_of_run(solver, sound, Vector::Zero(21), 4).back();
    // From here on the value rises everywhere while the gradient promises a decrease.
    const Vector here = state.point;
    const Evaluation at_here = state.at_point;
    Function wrong(21, [&](const Vector& x) {
        return Evaluation{.value = at_here.value + (x - here).norm(), .gradient = at_here.gradient};
    });
    const Vector quasi_newton = dense_direction(state).normalized();
    const Vector steepest = -at_here.gradient.normalized();
    State expected = state;

    EXPECT_EQ(solver.step(wrong, state), StepResult::no_progress);

    int along_history = 0;
    int along_gradient = 0;
    for (const Vector& tried : wrong.points) {
        const Vector direction = (tried - here).normalized();
        if ((direction - quasi_newton).norm() < 1e-3) {
            EXPECT_EQ(along_gradient, 0) << "the history comes first";
            ++along_history;
        } else if ((direction - steepest).norm() < 1e-3) {
            ++along_gradient;
        }
    }
    EXPECT_GT(along_history, 0);
    EXPECT_GT(along_gradient, 0);
    EXPECT_EQ(state.evaluations, expected.evaluations + static_cast<Index>(wrong.points.size()));
    expected.evaluations = state.evaluations;
    EXPECT_TRUE(have_the_same_bits(state, expected));
}

TEST(Lbfgs, ForgetsAHistoryThatLeadsUphill) {
    Function objective = test_problems::quadratic(4, 10);
    const Lbfgs solver({});
    State state = states_of_run(solver, objective, Vector::Zero(4), 3).back();
    state.memory["y"] *= -1;
    const State before = state;
    objective.points.clear();

    ASSERT_EQ(solver.step(objective, state), StepResult::moved);

    const Vector steepest = before.point - before.at_point.gradient;
    EXPECT_LE((objective.points.front() - steepest).norm(), 1e-14);
    EXPECT_LT(state.at_point.value, before.at_point.value);
    ASSERT_EQ(state.memory.at("s").cols(), 1);
    EXPECT_EQ(state.memory.at("s").col(0), state.point - before.point);
    EXPECT_EQ(state.memory.at("y").col(0), state.at_point.gradient - before.at_point.gradient);
}

TEST(Lbfgs, LeavesOutAPairWithoutCurvature) {
    // Along a straight line the gradient does not change: y = 0.
    Function objective = of_one_variable([](double x) { return -x; }, [](double) { return -1.0; });
    const Lbfgs solver({.line_search = {.max_evaluations = 3}});
    State state = solver.start(objective, Vector::Zero(1));

    ASSERT_EQ(solver.step(objective, state), StepResult::moved);
    ASSERT_EQ(solver.step(objective, state), StepResult::moved);

    EXPECT_EQ(state.point[0], 200);
    EXPECT_EQ(state.memory.at("s").cols(), 0);
    EXPECT_EQ(state.memory.at("y").cols(), 0);
}

TEST(Lbfgs, LeavesOutAPairOfNegativeCurvature) {
    // Where the slope steepens, s.y < 0: the search ends there because its evaluations are used up.
    Function objective =
        of_one_variable([](double x) { return -x * x; }, [](double x) { return -2 * x; });
    const Lbfgs solver({.line_search = {.max_evaluations = 2}});
    State state = solver.start(objective, Vector{{1.0}});

    ASSERT_EQ(solver.step(objective, state), StepResult::moved);

    EXPECT_EQ(state.memory.at("s").cols(), 0);
}

TEST(Lbfgs, MakesNoProgressWhereTheGradientIsZero) {
    Function objective = test_problems::rosenbrock(3);
    const Lbfgs solver({});
    State state = solver.start(objective, Vector::Ones(3));

    EXPECT_EQ(solver.step(objective, state), StepResult::no_progress);
    EXPECT_EQ(state.evaluations, 1);
}

TEST(Lbfgs, StopsSoonWhereRoundingHidesTheValue) {
    auto objective = test_problems::coarse_quadratic(test_problems::some_hessian());

    const Index evaluations = test_problems::evaluations_until_no_progress(Lbfgs({}), objective);

    EXPECT_LE(evaluations, 200);
}

TEST(Lbfgs, DivergesFromAStartThatIsNotFinite) {
    for (const double value : {not_a_number, infinity}) {
        Function objective =
            of_one_variable([value](double) { return value; }, [](double) { return 1.0; });
        const Lbfgs solver({});
        State state = solver.start(objective, Vector::Zero(1));

        EXPECT_EQ(solver.step(objective, state), StepResult::diverged);
        EXPECT_EQ(state.evaluations, 1);
    }
}

TEST(Lbfgs, SurvivesGradientsWhoseSquaresOverflow) {
    Function objective = of_one_variable([](double x) { return 1e200 * std::abs(x - 3); },
                                         [](double x) { return x < 3 ? -1e200 : 1e200; });
    const Lbfgs solver({});
    State state = solver.start(objective, Vector::Zero(1));

    for (int k = 0; k < 5 && solver.step(objective, state) == StepResult::moved; ++k) {
    }

    EXPECT_LT(state.at_point.value, 3e200);
    EXPECT_TRUE(state.point.allFinite());
}

TEST(LbfgsOptions, AreRefusedByNameValueAndRange) {
    using testing::HasSubstr;
    const std::string history = error_of({.history = 0});
    EXPECT_THAT(history, HasSubstr("--history 0"));
    EXPECT_THAT(history, HasSubstr("1 or more"));
    EXPECT_THAT(error_of({.line_search = {.sufficient_decrease = 0.5}}),
                HasSubstr("--sufficient-decrease 0.5"));
    EXPECT_THAT(error_of({.line_search = {.curvature = 1}}), HasSubstr("--curvature 1"));
    EXPECT_THAT(error_of({.line_search = {.curvature = 1e-5}}), HasSubstr("--curvature 1e-05"));
    EXPECT_THAT(error_of({.line_search = {.curvature = not_a_number}}),
                HasSubstr("--curvature nan"));
    EXPECT_THAT(error_of({.line_search = {.max_evaluations = 0}}), HasSubstr("--max-trials 0"));
    EXPECT_EQ(error_of({.history = 1}), "no error");
}

}  // namespace
}  // namespace paralogit::optim
