#include "paralogit/optim/stopping.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace paralogit::optim {
namespace {

State state_with(Index iteration, const Vector& gradient) {
    State state;
    state.iteration = iteration;
    state.at_point.gradient = gradient;
    return state;
}

TEST(StopReason, HasTheNameThatReportsWrite) {
    EXPECT_EQ(name_of(StopReason::converged), "converged");
    EXPECT_EQ(name_of(StopReason::iteration_limit), "iteration_limit");
    EXPECT_EQ(name_of(StopReason::time_limit), "time_limit");
    EXPECT_EQ(name_of(StopReason::signal), "signal");
    EXPECT_EQ(name_of(StopReason::separable), "separable");
    EXPECT_EQ(name_of(StopReason::precision_limit), "precision_limit");
    EXPECT_EQ(name_of(StopReason::diverged), "diverged");
}

TEST(GradientNorm, IsTheLargestAbsoluteEntryAndKeepsNaN) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();

    EXPECT_EQ(gradient_norm(state_with(0, Vector{{0.5, -2.0, 1.0}})), 2);
    EXPECT_TRUE(std::isnan(gradient_norm(state_with(0, Vector{{nan, 7.0}}))));
    EXPECT_TRUE(std::isnan(gradient_norm(state_with(0, Vector{{7.0, nan}}))));
}

TEST(ReasonToStop, IsConvergedAtTheToleranceAndNotAboveIt) {
    const StoppingRules rules{.max_iterations = 10, .tolerance = 1e-9};

    EXPECT_EQ(reason_to_stop(state_with(3, Vector{{1e-9, -1e-9}}), rules), StopReason::converged);
    EXPECT_EQ(reason_to_stop(state_with(3, Vector{{0.0, -1.1e-9}}), rules), std::nullopt);
}

TEST(ReasonToStop, IsTheIterationLimitWhenThatManyStepsAreDone) {
    const StoppingRules rules{.max_iterations = 10, .tolerance = 1e-9};

    EXPECT_EQ(reason_to_stop(state_with(9, Vector{{1.0}}), rules), std::nullopt);
    EXPECT_EQ(reason_to_stop(state_with(10, Vector{{1.0}}), rules), StopReason::iteration_limit);
    EXPECT_EQ(reason_to_stop(state_with(11, Vector{{1.0}}), rules), StopReason::iteration_limit);
}

TEST(ReasonToStop, PrefersConvergedToTheIterationLimit) {
    const StoppingRules rules{.max_iterations = 10, .tolerance = 1e-9};

    EXPECT_EQ(reason_to_stop(state_with(10, Vector{{0.0}}), rules), StopReason::converged);
}

TEST(ReasonToStop, NeverTakesNaNForConverged) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    const StoppingRules rules{.max_iterations = 10, .tolerance = 1};

    EXPECT_EQ(reason_to_stop(state_with(3, Vector{{nan, 0.0}}), rules), std::nullopt);
}

}  // namespace
}  // namespace paralogit::optim
