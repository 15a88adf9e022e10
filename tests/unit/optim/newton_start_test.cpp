#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "curved_problems.hpp"
#include "paralogit/optim/newton.hpp"
#include "paralogit/optim/stopping.hpp"
#include "solver_runs.hpp"
#include "test_problems.hpp"

// Where there are many rows Newton's method begins at the minimum of a part of them.

namespace paralogit::optim {
namespace {

using test_problems::CurvedLogistic;
using test_problems::have_the_same_bits;
using test_problems::states_of_run;

/// Enough rows to begin with parts of them.
CurvedLogistic many_rows() {
    return test_problems::correlated_rows(300000, 4, 0.5, 1e-4);
}

TEST(Newton, BeginsNearTheOptimumWithAFewOfManyRows) {
    CurvedLogistic objective = many_rows();

    const std::vector<State> states =
        states_of_run(Newton({.hessian_cost = 4}), objective, Vector::Zero(5));

    EXPECT_LE(gradient_norm(states.front()), 0.02);
    EXPECT_EQ(states.front().evaluations, 1);
    EXPECT_LE(gradient_norm(states.back()), 1e-9);
    EXPECT_LE(states.back().evaluations, 7);
    EXPECT_EQ(objective.evaluations, states.back().evaluations);
    EXPECT_THAT(objective.thinned_evaluations, testing::Each(testing::Ge(32)));
    EXPECT_GE(objective.thinned_evaluations.size(), 3U);
}

TEST(Newton, TakesTwoStepsFromTheMinimumOfAPartWithOneHessian) {
    CurvedLogistic objective = many_rows();
    const double least = states_of_run(Newton({.hessian_cost = 4}), objective, Vector::Zero(5))
                             .back()
                             .at_point.value;
    objective.thinnings.clear();

    const std::vector<State> states =
        states_of_run(Newton({.hessian_cost = 4}), objective, Vector::Zero(5), 2);

    ASSERT_EQ(states.size(), 3U);
    EXPECT_EQ(states.back().evaluations, 3);
    EXPECT_EQ(hessians_used(states.back()), 1);
    EXPECT_LE(states.back().at_point.value - least, 1e-9 * least);
    // No point of the start is asked for its Hessian twice.
    EXPECT_LE(objective.thinnings.size(), objective.thinned_evaluations.size());
}

/// What is done to each row of many_rows().
CurvedLogistic many_rows_with(
    Index more_features, double l2,
    const std::function<void(Index, Eigen::Ref<Vector>, double&)>& change) {
    const CurvedLogistic plain = many_rows();
    Matrix x = Matrix::Zero(plain.features().rows() + more_features, plain.rows());
    x.topRows(plain.features().rows()) = plain.features();
    Vector y = plain.labels();
    for (Index i = 0; i < plain.rows(); ++i) {
        change(i, x.col(i), y[i]);
    }
    return {std::move(x), std::move(y), l2};
}

/// To a gradient of 1e-9 with so many evaluations.
void expect_optimum(CurvedLogistic& objective, Index evaluations) {
    const std::vector<State> states =
        states_of_run(Newton({.hessian_cost = 4}), objective, Vector::Zero(objective.dimension()));

    EXPECT_LE(gradient_norm(states.back()), 1e-9);
    EXPECT_LE(states.back().evaluations, evaluations);
}

TEST(Newton, FindsTheOptimumOfAFeatureThatNoPartHasSeen) {
    for (const double l2 : {0.0, 1e-6}) {
        // In twenty odd rows, of either label, as a standardised feature has it there.
        CurvedLogistic objective =
            many_rows_with(1, l2, [](Index i, Eigen::Ref<Vector> x, double&) {
                x[4] = i % 15001 == 1 ? std::sqrt(15001.0) : 0.0;
            });

        expect_optimum(objective, 8);
    }
}

TEST(Newton, FindsTheOptimumOfRowsOfWhichSomeAreAHundredTimesAsLarge) {
    CurvedLogistic objective = many_rows_with(
        0, 1e-6, [](Index i, Eigen::Ref<Vector> x, double&) { x *= i % 1009 == 5 ? 100.0 : 1.0; });

    expect_optimum(objective, 20);
}

TEST(Newton, FindsTheOptimumOfManyRowsThatAreSeparable) {
    CurvedLogistic objective = many_rows_with(
        0, 1e-5, [](Index, Eigen::Ref<Vector> x, double& y) { y = x[0] > x[1] ? 1 : 0; });

    expect_optimum(objective, 8);
}

TEST(Newton, FindsTheOptimumOfSortedRows) {
    // First all of one label, and the feature rises from row to row.
    CurvedLogistic objective =
        many_rows_with(1, 1e-6, [](Index i, Eigen::Ref<Vector> x, double& y) {
            x[4] = static_cast<double>(i) / 1e5 - 1.5;
            y = x[4] + x[0] > 0 ? 1 : 0;
        });

    expect_optimum(objective, 8);
}

TEST(Newton, GoesOnFromTheFirstStateAfterAStartFromPartsWithTheSameBits) {
    CurvedLogistic objective = many_rows();
    const std::vector<State> states =
        states_of_run(Newton({.hessian_cost = 4}), objective, Vector::Zero(5), 2);
    State resumed =
        test_problems::read_back(test_problems::written_down(states.front()), states.front());

    ASSERT_EQ(Newton({.hessian_cost = 4}).step(objective, resumed), StepResult::moved);

    EXPECT_TRUE(have_the_same_bits(resumed, states[1]));
}

TEST(Newton, StaysWhereAPartCannotTellTheFirstPointFromItsMinimum) {
    CurvedLogistic objective = many_rows();
    const Vector optimum =
        states_of_run(Newton({.hessian_cost = 4}), objective, Vector::Zero(5)).back().point;

    const State state = Newton({.hessian_cost = 4}).start(objective, optimum);

    EXPECT_EQ(state.point, optimum);
}

TEST(Newton, AnnouncesTheHessianThatItsFirstStepFromAPartTakes) {
    CurvedLogistic objective = many_rows();
    const Newton solver({.hessian_cost = 4});
    State state = solver.start(objective, Vector::Zero(5));
    ASSERT_EQ(objective.announced.size(), 1U);
    const Index thinning = objective.announced.front().second;
    EXPECT_GT(thinning, 1);
    EXPECT_EQ(objective.announced.front().first, state.point);
    objective.thinnings.clear();

    ASSERT_EQ(solver.step(objective, state), StepResult::moved);

    ASSERT_GE(objective.thinnings.size(), 1U);
    EXPECT_EQ(objective.thinnings.front(), thinning);
    EXPECT_EQ(objective.announced.size(), 1U);
}

TEST(Newton, BeginsAtTheFirstPointWhereAPartMisleads) {
    // What the parts tell has its minimum elsewhere.
    class Misleading : public CurvedLogistic {
      public:
        using CurvedLogistic::CurvedLogistic;
        Evaluation evaluate_thinned(const Vector& point, Index thinning) override {
            Evaluation at = CurvedLogistic::evaluate_thinned(-point, thinning);
            at.gradient = -at.gradient;
            return at;
        }
    };
    const CurvedLogistic plain = many_rows();
    Misleading objective(plain.features(), plain.labels(), plain.l2());

    const State state = Newton({.hessian_cost = 4}).start(objective, Vector::Zero(5));

    EXPECT_EQ(state.point, Vector::Zero(5));
    EXPECT_EQ(state.evaluations, 2);
    EXPECT_EQ(objective.evaluations, 2);
}

}  // namespace
}  // namespace paralogit::optim
