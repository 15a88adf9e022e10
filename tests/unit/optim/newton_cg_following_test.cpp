#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <limits>
#include <vector>

#include "curved_problems.hpp"
#include "paralogit/optim/newton_cg.hpp"
#include "solver_runs.hpp"

namespace paralogit::optim {
namespace {

using test_problems::CurvedFunction;
using test_problems::CurvedLogistic;
using test_problems::Data;
using test_problems::states_of_run;

/// x.H x / 2 - sum_j (H 1)_j x_j, of which the two variables in the middle follow the others.
class Followed : public CurvedObjective {
  public:
    Followed() {
        const Matrix root = Matrix::Random(4, 4);
        h_ = root * root.transpose() + Matrix::Identity(4, 4);
    }

    Index dimension() const override { return 4; }
    Index rows() const override { return 1; }
    Index most_thinning() const override { return 1; }
    Range following() const override { return {.first = 1, .end = 3}; }
    Evaluation evaluate(const Vector& point) override {
        const Vector ones = Vector::Ones(4);
        return {.value = point.dot(h_ * point) / 2 - ones.dot(h_ * point),
                .gradient = h_ * (point - ones),
                .rows_wrong = 0};
    }
    Evaluation evaluate_at_best(Vector& point) override {
        const Vector slopes = evaluate(point).gradient.segment(1, 2);
        point.segment(1, 2) -= h_.block(1, 1, 2, 2).llt().solve(slopes);
        Evaluation best = evaluate(point);
        best.gradient.segment(1, 2).setZero();
        return best;
    }
    Evaluation evaluate_thinned(const Vector& point, Index) override { return evaluate(point); }
    Matrix hessian(const Vector&, Index) override { return h_; }
    void hessian_product(const Vector&, const Vector& direction, Index, Vector& product) override {
        Vector all = Vector::Zero(4);
        all[0] = direction[0];
        all[3] = direction[1];
        const Vector drawn = (h_ * all).segment(1, 2);
        all.segment(1, 2) = -h_.block(1, 1, 2, 2).llt().solve(drawn);
        const Vector by_all = h_ * all;
        product = Eigen::Vector2d(by_all[0], by_all[3]);
    }
    Vector hessian_diagonal(const Vector&, Index) override { return Vector::Ones(2); }

  private:
    Matrix h_;
};

TEST(NewtonCg, LeavesOutVariablesThatFollowTheOthers) {
    Followed objective;
    const Vector start = Vector::Constant(4, 5);

    const std::vector<State> states = states_of_run(NewtonCg({}), objective, start);

    EXPECT_EQ(states.front().point, start);
    EXPECT_EQ(states.front().at_point.value, objective.evaluate(start).value);
    EXPECT_EQ(states.front().at_point.gradient, objective.evaluate(start).gradient);
    // At first these alone go where they are best.
    Vector best = start;
    const double value = objective.evaluate_at_best(best).value;
    EXPECT_EQ(states[1].point, best);
    EXPECT_EQ(states[1].at_point.value, value);
    EXPECT_LE(value, states.front().at_point.value - 1e-3);
    EXPECT_EQ(states[1].evaluations, 2);
    EXPECT_EQ(products_used(states[1]), 0);
    EXPECT_LE((states.back().point - Vector::Ones(4)).norm(), 1e-8);
    EXPECT_LE(products_used(states.back()), 8);
}

/// f(x) + (t - x_0)^2 / 2, of which t follows the others to x_0: what is left is f.
class Trailed : public CurvedObjective {
  public:
    explicit Trailed(CurvedObjective& others) : f_(others), count_(others.dimension()) {}

    Index dimension() const override { return count_ + 1; }
    Index rows() const override { return f_.rows(); }
    Index most_thinning() const override { return f_.most_thinning(); }
    Range following() const override { return {.first = count_, .end = count_ + 1}; }
    Evaluation evaluate(const Vector& point) override {
        const Evaluation of_others = f_.evaluate(point.head(count_));
        const double lag = point[count_] - point[0];
        Evaluation evaluation = of_others;
        evaluation.value += lag * lag / 2;
        evaluation.gradient.resize(count_ + 1);
        evaluation.gradient << of_others.gradient, lag;
        evaluation.gradient[0] -= lag;
        return evaluation;
    }
    Evaluation evaluate_at_best(Vector& point) override {
        point[count_] = point[0];
        return evaluate(point);
    }
    Evaluation evaluate_thinned(const Vector& point, Index) override { return evaluate(point); }
    Matrix hessian(const Vector& point, Index thinning) override {
        return f_.hessian(point.head(count_), thinning);
    }
    void hessian_product(const Vector& point, const Vector& direction, Index thinning,
                         Vector& product) override {
        f_.hessian_product(point.head(count_), direction, thinning, product);
    }
    Vector hessian_diagonal(const Vector& point, Index thinning) override {
        return f_.hessian_diagonal(point.head(count_), thinning);
    }

  private:
    CurvedObjective& f_;
    Index count_;
};

TEST(NewtonCg, GoesTheWayOfTheOthersAlsoFromWhereTheirCurvatureVanishes) {
    for (const double start : {0.5, 100.0, -1000.0}) {
        CurvedLogistic others = rows_of(Data::tall, 1e-3);
        Trailed objective(others);
        const Vector first = Vector::Constant(others.dimension(), start);
        Vector with_follower = Vector::Constant(objective.dimension(), 7);
        with_follower.head(others.dimension()) = first;

        const std::vector<State> way = states_of_run(NewtonCg({}), others, first);
        const std::vector<State> same = states_of_run(NewtonCg({}), objective, with_follower);

        ASSERT_EQ(same.size(), way.size() + 1);
        for (std::size_t k = 0; k < way.size(); ++k) {
            ASSERT_EQ(same[k + 1].point.head(others.dimension()), way[k].point) << k;
            ASSERT_EQ(same[k + 1].at_point.value, way[k].at_point.value) << k;
        }
    }
}

TEST(NewtonCg, LetsVariablesFollowALineSearch) {
    // Newton's step leaves the line on which the function is finite.
    CurvedFunction others(
        2,
        [](const Vector& x) {
            const double sum = x[0] + x[1];
            return Evaluation{.value = x[0] == x[1] ? 1 + sum * sum / 4
                                                    : std::numeric_limits<double>::quiet_NaN(),
                              .gradient = Vector::Constant(2, sum / 2)};
        },
        [](const Vector&) -> Matrix {
            return Vector{{1.0, 4.0}}.asDiagonal();
        });
    Trailed objective(others);
    const NewtonCg solver({});
    State state = solver.start(objective, Vector::Constant(3, 20.0));

    ASSERT_EQ(solver.step(objective, state), StepResult::moved);
    const double before = state.at_point.value;
    ASSERT_EQ(solver.step(objective, state), StepResult::moved);

    EXPECT_LT(state.at_point.value, before);
    Vector point = state.point;
    const Evaluation best = objective.evaluate_at_best(point);
    EXPECT_EQ(state.point, point);
    EXPECT_EQ(state.at_point.value, best.value);
    EXPECT_EQ(state.at_point.gradient, best.gradient);
}

}  // namespace
}  // namespace paralogit::optim
