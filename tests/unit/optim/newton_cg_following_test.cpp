#include <gtest/gtest.h>

#include <vector>

#include "paralogit/optim/newton_cg.hpp"
#include "solver_runs.hpp"

namespace paralogit::optim {
namespace {

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

}  // namespace
}  // namespace paralogit::optim
