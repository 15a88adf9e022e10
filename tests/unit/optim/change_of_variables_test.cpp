#include "paralogit/optim/change_of_variables.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "paralogit/base/error.hpp"
#include "test_problems.hpp"

namespace paralogit::optim {
namespace {

using test_problems::Function;
using test_problems::Logistic;

TEST(ChangeOfVariables, FollowsItsDefinition) {
    const ChangeOfVariables change{
        .centre = Vector{{10.0, -1.0}}, .scale = Vector{{2.0, 0.5}}, .has_intercept = true};

    // w = (4/2, 3/0.5), b = 7 - (2 * 10 - 6 * 1)
    EXPECT_EQ(change.to_parameters(Vector{{4.0, 3.0, 7.0}}, Vector::Zero(3)),
              (Vector{{2.0, 6.0, -7.0}}));
    EXPECT_EQ(change.to_point(Vector{{2.0, 6.0, -7.0}}), (Vector{{4.0, 3.0, 7.0}}));
    // ((5 - 10 * 3) / 2, (1 + 1 * 3) / 0.5, 3)
    EXPECT_EQ(change.to_point_gradient(Vector{{5.0, 1.0, 3.0}}), (Vector{{-12.5, 8.0, 3.0}}));
}

TEST(ChangeOfVariables, ScalesOnlyWhenThereIsNoIntercept) {
    const ChangeOfVariables change{
        .centre = Vector::Zero(2), .scale = Vector{{2.0, 0.5}}, .has_intercept = false};

    EXPECT_EQ(change.to_parameters(Vector{{4.0, 3.0}}, Vector::Zero(2)), (Vector{{2.0, 6.0}}));
    EXPECT_EQ(change.to_point(Vector{{2.0, 6.0}}), (Vector{{4.0, 3.0}}));
    EXPECT_EQ(change.to_point_gradient(Vector{{5.0, 1.0}}), (Vector{{2.5, 2.0}}));
}

TEST(ChangeOfVariables, ChangesNothingWhenItIsTheIdentity) {
    const Vector some{{0.1, -0.2, 0.3}};
    for (const bool has_intercept : {true, false}) {
        const auto change = ChangeOfVariables::identity(has_intercept ? 2 : 3, has_intercept);

        EXPECT_EQ(change.to_parameters(some, Vector::Zero(3)), some);
        EXPECT_EQ(change.to_point(some), some);
        EXPECT_EQ(change.to_point_gradient(some), some);
    }
}

TEST(ChangeOfVariables, ComesBackToWhereItStartedUpToRounding) {
    const ChangeOfVariables change{.centre = Vector{{1e3, -0.7, 3.0}},
                                   .scale = Vector{{250.0, 1e-3, 0.3}},
                                   .has_intercept = true};
    const Vector parameters{{0.01, 4.0, -2.0, 0.5}};

    const Vector back = change.to_parameters(change.to_point(parameters), Vector::Zero(4));

    for (Index j = 0; j < 3; ++j) {
        EXPECT_DOUBLE_EQ(back[j], parameters[j]);
    }
    // The intercept passes through a sum whose largest term is 10.
    EXPECT_NEAR(back[3], parameters[3], 10 * 4.5e-16);
}

TEST(ChangeOfVariables, LeavesAColumnOfScaleZeroAtItsStart) {
    const ChangeOfVariables change{
        .centre = Vector{{5.0, 1.0}}, .scale = Vector{{0.0, 2.0}}, .has_intercept = true};
    const Vector start{{-3.0, 8.0, 1.0}};

    const Vector parameters = change.to_parameters(Vector{{99.0, 2.0, 4.0}}, start);

    EXPECT_EQ(parameters, (Vector{{-3.0, 1.0, 4.0 - (-3.0 * 5.0 + 1.0)}}));
    EXPECT_EQ(change.to_parameters(change.to_point(start), start), start);
    EXPECT_EQ(change.to_point_gradient(Vector{{7.0, 3.0, 1.0}}), (Vector{{0.0, 1.0, 1.0}}));
}

TEST(TransformedObjective, HasTheGradientOfItsValue) {
    Logistic problem = test_problems::logistic(test_problems::Design::independent, 1e-3);
    problem.x.col(3) = 40 + 7 * problem.x.col(3).array();
    problem.x.col(5).setConstant(2.5);
    Function objective = problem.objective();
    const Index features = problem.x.cols();
    ChangeOfVariables change{
        .centre = problem.x.colwise().mean(), .scale = Vector(features), .has_intercept = true};
    for (Index j = 0; j < features; ++j) {
        change.scale[j] = std::sqrt((problem.x.col(j).array() - change.centre[j]).square().mean());
    }
    change.scale[5] = 0;
    const Vector start = Vector::LinSpaced(features + 1, -0.3, 0.4);
    TransformedObjective transformed(objective, change, start);
    const Vector point = change.to_point(start);

    const Evaluation at_point = transformed.evaluate(point);

    EXPECT_EQ(transformed.dimension(), features + 1);
    EXPECT_EQ(at_point.gradient[5], 0);
    EXPECT_EQ(at_point.rows_wrong, problem.evaluate<double>(start).rows_wrong);
    EXPECT_GT(at_point.rows_wrong, 0);
    constexpr double h = 1e-5;
    for (Index j = 0; j <= features; ++j) {
        const Vector step = h * Vector::Unit(features + 1, j);
        const double difference =
            (transformed.evaluate(point + step).value - transformed.evaluate(point - step).value) /
            (2 * h);
        EXPECT_NEAR(at_point.gradient[j], difference, 1e-9) << j;
    }
}

TEST(TransformedObjective, RefusesSizesThatDoNotFit) {
    Function objective = test_problems::rosenbrock(3);
    const auto fits = ChangeOfVariables::identity(2, true);
    const auto too_long = ChangeOfVariables::identity(3, true);

    EXPECT_THROW(TransformedObjective(objective, too_long, Vector::Zero(3)), Error);
    EXPECT_THROW(TransformedObjective(objective, fits, Vector::Zero(2)), Error);
    EXPECT_NO_THROW(TransformedObjective(objective, fits, Vector::Zero(3)));
}

}  // namespace
}  // namespace paralogit::optim
