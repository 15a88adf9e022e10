#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "paralogit/optim/change_of_variables.hpp"
#include "paralogit/optim/lbfgs.hpp"
#include "paralogit/optim/stopping.hpp"
#include "test_problems.hpp"

// How far L-BFGS gets, and at what cost. The bounds on evaluations are about half as much again as
// what it takes today; --gtest_output=xml shows the counts.

namespace paralogit::optim {
namespace {

using test_problems::Design;
using test_problems::Function;
using test_problems::Logistic;

struct Outcome {
    State state;
    StepResult last = StepResult::moved;
};

Outcome minimise(Objective& objective, const Vector& start, const StoppingRules& rules,
                 const LbfgsOptions& options = {}) {
    const Lbfgs solver(options);
    Outcome run{.state = solver.start(objective, start)};
    while (!reason_to_stop(run.state, rules) && run.last == StepResult::moved) {
        run.last = solver.step(objective, run.state);
    }
    testing::Test::RecordProperty("iterations", std::to_string(run.state.iteration));
    testing::Test::RecordProperty("evaluations", std::to_string(run.state.evaluations));
    return run;
}

void expect_converged(const Outcome& run, double tolerance, Index most_evaluations) {
    EXPECT_LE(gradient_norm(run.state), tolerance);
    EXPECT_LE(run.state.evaluations, most_evaluations);
    // Mostly one evaluation in an iteration.
    EXPECT_LE(run.state.evaluations, 10 + run.state.iteration * 13 / 10);
}

constexpr StoppingRules to_nine_digits{.max_iterations = 5000, .tolerance = 1e-9};

TEST(LbfgsConvergence, ReachesTheMinimumOfRosenbrockInTwoDimensions) {
    Function objective = test_problems::rosenbrock(2);

    const Outcome run = minimise(objective, Vector{{-1.2, 1.0}}, to_nine_digits);

    expect_converged(run, 1e-9, 70);
    EXPECT_LE((run.state.point - Vector::Ones(2)).lpNorm<Eigen::Infinity>(), 1e-8);
}

TEST(LbfgsConvergence, ReachesTheMinimumOfRosenbrockInTenDimensions) {
    Function objective = test_problems::rosenbrock(10);

    const Outcome run = minimise(objective, Vector::Constant(10, 3.0), to_nine_digits);

    expect_converged(run, 1e-9, 85);
    EXPECT_LE((run.state.point - Vector::Ones(10)).lpNorm<Eigen::Infinity>(), 1e-8);
}

TEST(LbfgsConvergence, ReachesTheMinimumOfAQuadraticOfConditionOneHundredMillion) {
    Function objective = test_problems::quadratic(20, 1e8);

    const Outcome run = minimise(objective, Vector::Zero(20), to_nine_digits);

    expect_converged(run, 1e-9, 4500);
    // The minimum is 0, and F is at most |gradient|^2 / (2 * least eigenvalue).
    EXPECT_LE(run.state.at_point.value, 20 * 1e-18 / 2e-8);
}

class LogisticConvergence : public testing::TestWithParam<std::tuple<Design, double, Index>> {};

TEST_P(LogisticConvergence, ReachesAGradientOfOneBillionth) {
    const auto [design, l2, most_evaluations] = GetParam();
    const Logistic problem = logistic(design, l2);
    Function objective = problem.objective();

    const Outcome run = minimise(objective, Vector::Zero(21), to_nine_digits);

    expect_converged(run, 1e-9, most_evaluations);
    // The same gradient in long double: what was reached is no artefact of rounding.
    const Evaluation exact = problem.evaluate<long double>(run.state.point);
    EXPECT_LE(exact.gradient.lpNorm<Eigen::Infinity>(), 1.0001e-9);
}

INSTANTIATE_TEST_SUITE_P(OnEveryDesign, LogisticConvergence,
                         testing::Values(std::tuple(Design::independent, 1e-3, 30),
                                         std::tuple(Design::independent, 1e-5, 30),
                                         std::tuple(Design::badly_scaled, 1e-3, 100),
                                         std::tuple(Design::badly_scaled, 1e-5, 700),
                                         std::tuple(Design::collinear, 1e-3, 50),
                                         std::tuple(Design::collinear, 1e-5, 85)));

TEST(LbfgsConvergence, IsQuickOnRawScalesThroughAChangeOfVariables) {
    Logistic problem = logistic(Design::independent, 1e-5);
    for (Index j = 0; j < problem.x.cols(); ++j) {
        const double size = std::pow(10.0, static_cast<double>(j % 7) - 3);
        problem.x.col(j) = size * (problem.x.col(j).array() + 5);
    }
    Function of_parameters = problem.objective();
    const Index features = problem.x.cols();
    ChangeOfVariables change{
        .centre = problem.x.colwise().mean(), .scale = Vector(features), .has_intercept = true};
    for (Index j = 0; j < features; ++j) {
        change.scale[j] = std::sqrt((problem.x.col(j).array() - change.centre[j]).square().mean() +
                                    4 * problem.l2);
    }
    TransformedObjective objective(of_parameters, change, Vector::Zero(features + 1));

    const Outcome run = minimise(objective, Vector::Zero(features + 1), to_nine_digits);

    expect_converged(run, 1e-9, 25);
    const Evaluation exact =
        problem.evaluate<long double>(change.to_parameters(run.state.point, run.state.point));
    EXPECT_LE(change.to_point_gradient(exact.gradient).lpNorm<Eigen::Infinity>(), 1.0001e-9);
}

TEST(LbfgsConvergence, StaysFiniteOnASeparableProblemWithoutPenalty) {
    const Logistic problem = logistic(Design::separable, 0);
    Function objective = problem.objective();

    const Outcome run = minimise(objective, Vector::Zero(21), to_nine_digits);

    EXPECT_LE(gradient_norm(run.state), 1e-9);
    EXPECT_TRUE(run.state.point.allFinite());
    EXPECT_EQ(run.state.at_point.rows_wrong, 0);
    EXPECT_GT(run.state.at_point.value, 0);
    EXPECT_LE(run.state.evaluations, 50);
}

TEST(LbfgsConvergence, EscapesFromFlatTails) {
    Function bell(1, [](const Vector& x) {
        const double height = std::exp(-x[0] * x[0] / 2);
        return Evaluation{.value = 1 - height, .gradient = x * height};
    });
    Function logarithm(1, [](const Vector& x) {
        const double square = x[0] * x[0];
        return Evaluation{.value = std::log1p(square), .gradient = 2 * x / (1 + square)};
    });
    struct Case {
        Function* objective;
        double start;
    };
    for (const Case& c : {Case{&bell, 5.0}, Case{&logarithm, 1e4}}) {
        const Outcome run = minimise(*c.objective, Vector::Constant(1, c.start), to_nine_digits);

        EXPECT_LE(std::abs(run.state.point[0]), 1e-8);
        EXPECT_LE(run.state.evaluations, 60);
    }
}

TEST(LbfgsConvergence, TellsThePrecisionLimitInsteadOfStayingThereForEver) {
    for (const Design design : {Design::independent, Design::badly_scaled, Design::collinear}) {
        Function objective = logistic(design, 1e-3).objective();

        const Outcome run =
            minimise(objective, Vector::Zero(21), {.max_iterations = 5000, .tolerance = 0});

        EXPECT_EQ(run.last, StepResult::no_progress);
        EXPECT_LE(gradient_norm(run.state), 1e-13);
        EXPECT_LE(run.state.evaluations, 1500);
    }
}

}  // namespace
}  // namespace paralogit::optim
