#include "paralogit/optim/prox_newton.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "composite_problems.hpp"
#include "paralogit/optim/newton.hpp"
#include "solver_runs.hpp"
#include "test_problems.hpp"

namespace paralogit::optim {
namespace {

using test_problems::composite_run;
using test_problems::CompositeLogistic;
using test_problems::correlated_rows;
using test_problems::Data;
using test_problems::error_of;
using test_problems::failure_at_end;
using test_problems::have_the_same_bits;
using test_problems::penalised;
using test_problems::penalty_of;
using test_problems::rows_of;

TEST(ProxNewton, ReachesTheConditionsOfAnOptimumOnAllKindsOfData) {
    for (const Data data : {Data::tall, Data::badly_scaled, Data::wide, Data::collinear,
                            Data::separable, Data::idle_column, Data::few_positives}) {
        for (const double l1 : {0.1, 1e-2, 1e-4}) {
            for (const double l2 : {0.0, 1e-3}) {
                CompositeLogistic objective = penalised(data, l1, l2);
                const auto states = composite_run(ProxNewton({}), objective);
                EXPECT_LE(failure_at_end(states, objective), 1e-9)
                    << static_cast<int>(data) << " l1 " << l1 << " l2 " << l2;
                EXPECT_LE(states.size(), 40U) << static_cast<int>(data) << " l1 " << l1;
            }
        }
    }
}

TEST(ProxNewton, FindsTheMinimumOfASmoothObjectiveToo) {
    CompositeLogistic objective = penalised(Data::tall, 0, 1e-3);
    const auto states = composite_run(ProxNewton({}), objective);
    EXPECT_NEAR(states.back().at_point.value,
                static_cast<double>(test_problems::least_value(objective.smooth)), 1e-15);
}

TEST(ProxNewton, KeepsNothingButTheInterceptUnderALargePenalty) {
    CompositeLogistic objective = penalised(Data::few_positives, 10);
    const auto states = composite_run(ProxNewton({}), objective);
    EXPECT_EQ(nonzeros(states.back().point, objective.dimension() - 1), 0);
    // One label in fifty is positive.
    EXPECT_NEAR(states.back().point[objective.dimension() - 1], std::log(1.0 / 49), 1e-6);
}

TEST(ProxNewton, LowersTheValueInEveryStepButTheLast) {
    CompositeLogistic objective = penalised(Data::badly_scaled, 1e-3);
    const auto states = composite_run(ProxNewton({}), objective);
    ASSERT_GE(states.size(), 3U);
    for (std::size_t k = 1; k < states.size(); ++k) {
        EXPECT_LE(states[k].at_point.value, states[k - 1].at_point.value * (1 + 1e-13));
    }
}

TEST(ProxNewton, GoesOnFromEveryStateWithTheSameBits) {
    for (const Index always_all : {256, 4}) {
        CompositeLogistic objective = penalised(Data::wide, 1e-2, 1e-4);
        const ProxNewtonOptions options{.thinning = 1, .always_all = always_all};
        const auto states = composite_run(ProxNewton(options), objective);
        ASSERT_GE(states.size(), 4U);
        for (std::size_t k = 0; k + 1 < states.size(); ++k) {
            State resumed = states[k];
            const ProxNewton fresh(options);
            for (std::size_t rest = k + 1; rest < states.size(); ++rest) {
                ASSERT_EQ(fresh.step(objective, resumed), StepResult::moved);
                ASSERT_TRUE(have_the_same_bits(resumed, states[rest])) << k;
            }
            EXPECT_EQ(resumed.memory, states.back().memory);
        }
    }
}

TEST(ProxNewton, WorksOnTheVariablesThatMatter) {
    auto smooth = correlated_rows(60, 300, 0.3, 0);
    CompositeLogistic objective(std::move(smooth), penalty_of(301, 0.08));
    const auto states = composite_run(ProxNewton({.always_all = 16}), objective);
    EXPECT_LE(failure_at_end(states, objective), 1e-9);
    EXPECT_THAT(objective.sizes, testing::Each(testing::Le(100)));

    CompositeLogistic whole(correlated_rows(60, 300, 0.3, 0), penalty_of(301, 0.08));
    const auto with_all = composite_run(ProxNewton({.always_all = 301}), whole);
    EXPECT_NEAR(states.back().at_point.value, with_all.back().at_point.value, 1e-14);
    for (Index j = 0; j < 300; ++j) {
        EXPECT_EQ(states.back().point[j] == 0, with_all.back().point[j] == 0) << j;
    }
}

TEST(ProxNewton, NeedsNoMoreVariablesAtATimeThanItIsAllowed) {
    CompositeLogistic objective(correlated_rows(200, 40, 0.3, 1e-3), penalty_of(41, 1e-3));
    const auto states =
        composite_run(ProxNewton({.always_all = 4, .most_variables = 12}), objective);
    EXPECT_THAT(objective.sizes, testing::Each(testing::Le(12)));
    EXPECT_LT(optimality_violation(states.back(), objective.separable()),
              optimality_violation(states.front(), objective.separable()) / 100);
}

TEST(ProxNewton, ConvergesWithAHessianOfAPartOfTheRows) {
    CompositeLogistic objective(correlated_rows(6000, 10, 0.5, 0), penalty_of(11, 1e-3));
    const auto states =
        composite_run(ProxNewton({.thinning = 16, .keeps_thinning = true}), objective);
    EXPECT_LE(failure_at_end(states, objective), 1e-9);
    EXPECT_THAT(objective.smooth.thinnings, testing::Contains(16));
}

TEST(ProxNewton, TakesMoreRowsWhereThoseThatItIsToldLeadNowhere) {
    CompositeLogistic objective(correlated_rows(350, 60, 0.2, 1e-6), penalty_of(61, 1e-4));
    const auto states = composite_run(
        ProxNewton({.thinning = 64, .keeps_thinning = true, .hessian_cost = 0.1}), objective);
    EXPECT_EQ(objective.smooth.thinnings.front(), 64);
    EXPECT_EQ(objective.smooth.thinnings.back(), 1);
    EXPECT_LE(failure_at_end(states, objective), 1e-9);
}

TEST(ProxNewton, CorrectsAHessianThatItKeeps) {
    // It is so dear that there is one only, of a sixteenth of the rows.
    CompositeLogistic objective(correlated_rows(6000, 10, 0.5, 0), penalty_of(11, 1e-3));
    const auto states = composite_run(
        ProxNewton({.thinning = 16, .keeps_thinning = true, .hessian_cost = 1e5}), objective);
    EXPECT_LE(failure_at_end(states, objective), 1e-9);
    EXPECT_EQ(objective.sizes.size(), 1U);
    EXPECT_LE(states.size(), 14U);
}

TEST(ProxNewton, StaysWithinBoundsAndEndsExactlyAtThem) {
    CompositeLogistic free = penalised(Data::tall, 0, 1e-4);
    const Vector unbounded = composite_run(ProxNewton({}), free).back().point;
    SeparableTerm term = penalty_of(13, 1e-3);
    term.lower.head(12).setConstant(-0.05);
    term.upper.head(12).setConstant(0.3);
    term.l1[2] = 0;
    CompositeLogistic objective(rows_of(Data::tall, 1e-4), term);

    const auto states = composite_run(ProxNewton({}), objective, Vector::Constant(13, 7));

    EXPECT_LE(failure_at_end(states, objective), 1e-9);
    ASSERT_LT(unbounded.head(12).minCoeff(), -0.1);
    EXPECT_EQ(states.back().point.head(12).minCoeff(), -0.05);
    for (const State& state : states) {
        EXPECT_LE(state.point.head(12).maxCoeff(), 0.3);
        EXPECT_GE(state.point.head(12).minCoeff(), -0.05);
    }
}

TEST(ProxNewton, LeavesTheStateAloneWhenTheObjectiveThrows) {
    CompositeLogistic objective = penalised(Data::tall, 1e-3);
    const ProxNewton solver({});
    const auto states = composite_run(solver, objective);
    const State before = states[states.size() / 2];
    for (const int calls : {0, 1}) {
        State state = before;
        int left = calls;
        objective.smooth.before_call = [&left] {
            if (left-- == 0) {
                throw std::runtime_error("no");
            }
        };
        const ProxNewton fresh({});
        EXPECT_THROW(fresh.step(objective, state), std::runtime_error);
        EXPECT_EQ(state.iteration, before.iteration);
        EXPECT_EQ(state.point, before.point);
        EXPECT_EQ(state.memory, before.memory);
        objective.smooth.before_call = [] {};
        ASSERT_EQ(fresh.step(objective, state), StepResult::moved);
        EXPECT_EQ(state.point, states[states.size() / 2 + 1].point);
    }
}

TEST(ProxNewton, SaysWhenThereIsNoProgressToBeMade) {
    CompositeLogistic objective = penalised(Data::tall, 1e-3);
    const ProxNewton solver({});
    State state = composite_run(solver, objective).back();
    int steps = 0;
    while (solver.step(objective, state) == StepResult::moved) {
        ASSERT_LT(++steps, 100);
    }
    EXPECT_LE(optimality_violation(state, objective.separable()), 1e-14);
    state.at_point.value = std::numeric_limits<double>::quiet_NaN();
    EXPECT_EQ(solver.step(objective, state), StepResult::diverged);
}

TEST(ProxNewton, CountsItsHessians) {
    CompositeLogistic objective = penalised(Data::tall, 1e-3);
    const auto states = composite_run(ProxNewton({}), objective);
    EXPECT_EQ(hessians_used(states.front()), 0);
    EXPECT_EQ(hessians_used(states.back()), std::ssize(objective.smooth.thinnings));
}

TEST(ProxNewton, NeedsAnObjectiveWithASeparablePart) {
    auto smooth = rows_of(Data::tall, 0);
    EXPECT_THROW(ProxNewton({}).start(smooth, Vector::Zero(13)), Error);
}

TEST(ProxNewton, NamesTheOptionThatIsWrong) {
    EXPECT_THAT(error_of<ProxNewton>(ProxNewtonOptions{.thinning = 3}),
                testing::HasSubstr("--thinning 3"));
    EXPECT_THAT(error_of<ProxNewton>(ProxNewtonOptions{.hessian_cost = 0}),
                testing::HasSubstr("--hessian-cost 0"));
    EXPECT_THAT(error_of<ProxNewton>(ProxNewtonOptions{.always_all = 9, .most_variables = 8}),
                testing::HasSubstr("--most-variables 8"));
}

}  // namespace
}  // namespace paralogit::optim
