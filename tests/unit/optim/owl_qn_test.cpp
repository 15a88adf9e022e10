#include "paralogit/optim/owl_qn.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "composite_problems.hpp"
#include "solver_runs.hpp"
#include "test_problems.hpp"

namespace paralogit::optim {
namespace {

using test_problems::composite_run;
using test_problems::CompositeLogistic;
using test_problems::Data;
using test_problems::error_of;
using test_problems::failure_at_end;
using test_problems::have_the_same_bits;
using test_problems::penalised;
using test_problems::penalty_of;
using test_problems::rows_of;

TEST(OwlQn, ReachesTheConditionsOfAnOptimumOnAllKindsOfData) {
    for (const Data data : {Data::tall, Data::badly_scaled, Data::wide, Data::collinear,
                            Data::separable, Data::idle_column, Data::few_positives}) {
        for (const double l1 : {0.1, 1e-2, 1e-3}) {
            for (const double l2 : {0.0, 1e-3}) {
                CompositeLogistic objective = penalised(data, l1, l2);
                const auto states = composite_run(OwlQn({}), objective);
                EXPECT_LE(failure_at_end(states, objective), 1e-9)
                    << static_cast<int>(data) << " l1 " << l1 << " l2 " << l2;
            }
        }
    }
}

TEST(OwlQn, FindsTheMinimumOfASmoothObjectiveToo) {
    CompositeLogistic objective = penalised(Data::tall, 0, 1e-3);
    const auto states = composite_run(OwlQn({}), objective);
    EXPECT_NEAR(states.back().at_point.value,
                static_cast<double>(test_problems::least_value(objective.smooth)), 1e-14);
}

TEST(OwlQn, GoesOnFromEveryStateWithTheSameBits) {
    CompositeLogistic objective = penalised(Data::wide, 1e-2, 1e-4);
    const OwlQn solver({.history = 4});
    const auto states = composite_run(solver, objective);
    ASSERT_GE(states.size(), 8U);
    for (std::size_t k = 0; k + 1 < states.size(); ++k) {
        State resumed = states[k];
        ASSERT_EQ(OwlQn({.history = 4}).step(objective, resumed), StepResult::moved);
        ASSERT_TRUE(have_the_same_bits(resumed, states[k + 1])) << k;
    }
}

TEST(OwlQn, StaysWithinBoundsAndEndsExactlyAtThem) {
    SeparableTerm term = penalty_of(13, 1e-3);
    term.lower.head(12).setConstant(-0.05);
    term.upper.head(12).setConstant(0.3);
    term.l1[2] = 0;
    CompositeLogistic objective(rows_of(Data::tall, 1e-4), term);

    const auto states = composite_run(OwlQn({}), objective, Vector::Constant(13, 7));

    EXPECT_LE(failure_at_end(states, objective), 1e-9);
    EXPECT_EQ(states.back().point.head(12).minCoeff(), -0.05);
    for (const State& state : states) {
        EXPECT_LE(state.point.head(12).maxCoeff(), 0.3);
        EXPECT_GE(state.point.head(12).minCoeff(), -0.05);
    }
}

TEST(OwlQn, SaysWhenThereIsNoProgressToBeMade) {
    CompositeLogistic objective = penalised(Data::tall, 1e-3);
    const OwlQn solver({});
    State state = composite_run(solver, objective).back();
    int steps = 0;
    while (solver.step(objective, state) == StepResult::moved) {
        ASSERT_LT(++steps, 1000);
    }
    EXPECT_LE(optimality_violation(state, objective.separable()), 1e-12);
    state.at_point.value = std::numeric_limits<double>::quiet_NaN();
    EXPECT_EQ(solver.step(objective, state), StepResult::diverged);
}

TEST(OwlQn, NamesTheOptionThatIsWrong) {
    EXPECT_THAT(error_of<OwlQn>(OwlQnOptions{.history = 0}), testing::HasSubstr("--history 0"));
}

}  // namespace
}  // namespace paralogit::optim
