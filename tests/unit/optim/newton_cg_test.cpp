#include "paralogit/optim/newton_cg.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "../../../src/optim/cg_step.hpp"
#include "curved_problems.hpp"
#include "paralogit/base/error.hpp"
#include "paralogit/optim/stopping.hpp"
#include "solver_runs.hpp"
#include "test_problems.hpp"

namespace paralogit::optim {
namespace {

using test_problems::CurvedFunction;
using test_problems::CurvedLogistic;
using test_problems::Data;
using test_problems::error_of;
using test_problems::have_the_same_bits;
using test_problems::of_positive_numbers;
using test_problems::quadratic;
using test_problems::some_hessian;
using test_problems::states_of_run;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

double model_value(const Matrix& h, const Vector& gradient, const Vector& step) {
    return gradient.dot(step) + step.dot(h * step) / 2;
}

TEST(ConjugateGradients, LeadToTheMinimumOfTheModel) {
    const Matrix h = some_hessian();
    CurvedFunction objective = quadratic(h, h);
    const Vector gradient{{1.0, -2.0, 0.5}};
    for (const Vector& metric : {Vector(Vector::Ones(3)), Vector{{2.0, 0.125, 30.0}}}) {
        CgStep step = conjugate_gradients(
            objective, Vector::Zero(3), gradient, Metric(metric),
            {.thinning = 1, .radius = infinity, .forcing = 1e-12, .max_products = 10});

        EXPECT_EQ(step.products, 3);
        EXPECT_LE((h * step.step + gradient).norm(), 1e-12);
        EXPECT_NEAR(step.model_value(), model_value(h, gradient, step.step), 1e-13);
        EXPECT_NEAR(step.length, std::sqrt(step.step.dot(metric.asDiagonal() * step.step)), 1e-12);
        EXPECT_FALSE(step.is_at_border);
        const Vector whole = step.step;
        step.shorten_to(0.25 * step.length);
        EXPECT_LE((step.step - 0.25 * whole).norm(), 1e-14);
        EXPECT_NEAR(step.model_value(), model_value(h, gradient, step.step), 1e-13);
        EXPECT_NEAR(step.slope, gradient.dot(step.step), 1e-14);
        EXPECT_TRUE(step.is_at_border);
    }
}

TEST(ConjugateGradients, NeedOneProductWithTheHessianForPreconditioner) {
    const Matrix h = Vector{{1.0, 0x1p13, 0x1p-13}}.asDiagonal();
    CurvedFunction objective = quadratic(h, h);
    const CgStep step = conjugate_gradients(
        objective, Vector::Zero(3), Vector{{1.0, -2.0, 0.5}}, Metric(h.diagonal()),
        {.thinning = 1, .radius = infinity, .forcing = 1e-12, .max_products = 10});

    EXPECT_EQ(step.products, 1);
    EXPECT_NEAR(step.step[2], -0x1p12, 1e-8);
}

TEST(ConjugateGradients, EndAtTheBorderTheForcingTermAndTheNumberOfProducts) {
    const Matrix h = some_hessian();
    CurvedFunction objective = quadratic(h, h);
    const Vector gradient{{1.0, -2.0, 0.5}};
    const Metric metric(Vector{{2.0, 0.1, 30.0}});
    const auto step = [&](double radius, double forcing, Index most) {
        return conjugate_gradients(
            objective, Vector::Zero(3), gradient, metric,
            {.thinning = 1, .radius = radius, .forcing = forcing, .max_products = most});
    };

    EXPECT_EQ(step(1e-3, 1e-12, 10).products, 1);
    EXPECT_EQ(step(infinity, 0.999, 10).products, 1);
    EXPECT_EQ(step(infinity, 1e-12, 2).products, 2);
    const double whole = step(infinity, 1e-12, 10).length;
    double last_value = 0;
    for (const double part : {0.01, 0.2, 0.5, 0.8, 0.95, 0.9999}) {
        const CgStep cut = step(part * whole, 1e-12, 10);
        EXPECT_NEAR(cut.length, part * whole, 1e-12);
        EXPECT_NEAR(cut.model_value(), model_value(h, gradient, cut.step), 1e-13);
        EXPECT_LT(cut.model_value(), last_value);
        EXPECT_TRUE(cut.is_at_border);
        last_value = cut.model_value();
    }
}

TEST(ConjugateGradients, FollowADirectionWithoutCurvatureToTheBorder) {
    const Matrix saddle = Vector{{1.0, -1.0}}.asDiagonal();
    const Vector gradient{{1.0, 0.5}};
    const std::vector<Matrix> claims{saddle, -saddle, Matrix::Zero(2, 2),
                                     Matrix::Constant(2, 2, not_a_number)};
    for (const Matrix& claimed : claims) {
        CurvedFunction objective = quadratic(Matrix::Identity(2, 2), claimed);
        const auto step = [&](double radius) {
            return conjugate_gradients(
                objective, Vector::Zero(2), gradient, Metric(Vector::Ones(2)),
                {.thinning = 1, .radius = radius, .forcing = 1e-12, .max_products = 10});
        };

        EXPECT_NEAR(step(5).step.norm(), 5, 1e-12);
        EXPECT_TRUE(step(5).is_at_border);
        EXPECT_LT(step(5).model_value(), 0);
        EXPECT_TRUE(step(infinity).step.allFinite());
        EXPECT_LT(step(infinity).slope, 0);
    }
}

TEST(ConjugateGradients, EndWhereTheModelPromisesTheMostDecrease) {
    const Vector gradient{{1.0, 0.5}};
    // The last has a curvature that rounding has left, and a natural end beyond all numbers.
    for (const double flat : {0.0, 1e-200}) {
        const Matrix claimed = Vector{{1.0, flat}}.asDiagonal();
        CurvedFunction objective = quadratic(Matrix::Identity(2, 2), claimed);
        const auto step = [&](double radius) {
            return conjugate_gradients(objective, Vector::Zero(2), gradient,
                                       Metric(Vector{{1.0, 0.01}}),
                                       {.thinning = 1,
                                        .radius = radius,
                                        .forcing = 1e-12,
                                        .max_products = 10,
                                        .most_decrease = 3});
        };

        const CgStep longest = step(infinity);
        EXPECT_NEAR(longest.model_value(), -3, 1e-12);
        EXPECT_NEAR(model_value(claimed, gradient, longest.step), -3, 1e-12);
        EXPECT_TRUE(longest.is_at_bottom);
        EXPECT_FALSE(longest.is_at_border);
        EXPECT_NEAR(step(1e3 * longest.length).length, longest.length, 1e-12);
        EXPECT_NEAR(step(longest.length / 2).length, longest.length / 2, 1e-12);
        EXPECT_TRUE(step(longest.length / 2).is_at_border);
        EXPECT_FALSE(step(longest.length / 2).is_at_bottom);
    }
}

TEST(ConjugateGradients, MeasureByAPreconditionerOfAnySize) {
    const Vector step{{1.0, -2.0, 0.5}};
    for (const double size : {1.0, 1e-300, 1e300}) {
        const Metric metric(size * Vector{{3.0, 0.1, 0.0}});

        EXPECT_NEAR(squared_length(metric, step) / size, 3 + 0.4, 1e-6);
        EXPECT_NEAR(squared_size(metric, step.head(2)) * size, 1.0 / 3 + 40, 1e-5);
        EXPECT_GT(metric.parts[2], 0);
    }
}

struct Case {
    Data data;
    double l2;
    Index most_evaluations;
    Index most_products;
};

class NewtonCgConvergence : public testing::TestWithParam<Case> {};

TEST_P(NewtonCgConvergence, ReachesTheOptimumWithFewProducts) {
    const Case expected = GetParam();
    CurvedLogistic objective = rows_of(expected.data, expected.l2);

    const std::vector<State> states =
        states_of_run(NewtonCg({}), objective, Vector::Zero(objective.dimension()));

    const State& last = states.back();
    RecordProperty("evaluations", std::to_string(last.evaluations));
    RecordProperty("products", std::to_string(products_used(last)));
    EXPECT_LE(gradient_norm(last), 1e-9);
    EXPECT_LE(last.evaluations, expected.most_evaluations);
    EXPECT_LE(products_used(last), expected.most_products);
    EXPECT_EQ(last.evaluations, objective.evaluations);
    EXPECT_EQ(products_used(last), objective.products);
    EXPECT_NEAR(last.at_point.value, static_cast<double>(least_value(objective)), 1e-9);
    for (std::size_t k = 1; k < states.size(); ++k) {
        EXPECT_LE(states[k].at_point.value, states[k - 1].at_point.value * (1 + 1e-12)) << k;
    }
}

INSTANTIATE_TEST_SUITE_P(
    OnAllData, NewtonCgConvergence,
    testing::Values(Case{Data::tall, 0, 15, 45}, Case{Data::tall, 1e-2, 15, 40},
                    Case{Data::badly_scaled, 1e-6, 80, 900}, Case{Data::wide, 1e-2, 20, 60},
                    Case{Data::wide, 1e-5, 35, 200}, Case{Data::collinear, 0, 15, 50},
                    Case{Data::separable, 1e-4, 30, 100}, Case{Data::separable, 1e-8, 50, 250},
                    Case{Data::idle_column, 0, 15, 40}, Case{Data::few_positives, 0, 25, 70}));

TEST(NewtonCg, SolvesAQuadratic) {
    CurvedFunction objective = quadratic(some_hessian(), some_hessian());

    const std::vector<State> states = states_of_run(NewtonCg({}), objective, Vector::Zero(3));

    EXPECT_LE((states.back().point - Vector::Ones(3)).norm(), 1e-8);
    EXPECT_LE(states.back().evaluations, 10);
}

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

TEST(NewtonCg, ComesBackFromWhereTheCurvatureVanishes) {
    for (const Data data : {Data::tall, Data::separable, Data::idle_column}) {
        for (const double start : {100.0, -1000.0}) {
            CurvedLogistic objective = rows_of(data, 1e-3);

            const std::vector<State> states = states_of_run(
                NewtonCg({}), objective, Vector::Constant(objective.dimension(), start));

            RecordProperty("evaluations", std::to_string(states.back().evaluations));
            EXPECT_LE(gradient_norm(states.back()), 1e-9);
            EXPECT_LE(states.back().evaluations, 80);
            EXPECT_NEAR(states.back().at_point.value, static_cast<double>(least_value(objective)),
                        1e-9);
        }
    }
}

/// 40 rows of 60 features, in units that make the margins of such a start some 1e5 in size.
CurvedLogistic in_small_units(double l2) {
    const CurvedLogistic wide = rows_of(Data::wide, l2);
    return {1e4 * wide.features(), wide.labels(), l2};
}

TEST(NewtonCg, FindsItsWayFromAStartInOtherUnits) {
    for (const double l2 : {1e-3, 1.0, 1e3}) {
        for (const double start : {1.0, -3.0, 1e3}) {
            CurvedLogistic objective = in_small_units(l2);

            const std::vector<State> states = states_of_run(
                NewtonCg({}), objective, Vector::Constant(objective.dimension(), start));

            // In such units a gradient is no measure.
            EXPECT_NEAR(states.back().at_point.value, static_cast<double>(least_value(objective)),
                        1e-9);
            EXPECT_LE(states.back().evaluations, 80) << l2 << ", " << start;
        }
    }
}

TEST(NewtonCg, GoesDownhillWhereNoPartOfTheStepIsFinite) {
    // It is there on one line only, which Newton's step leaves.
    CurvedFunction objective(
        2,
        [](const Vector& x) {
            const double sum = x[0] + x[1];
            const bool is_on_line = x[0] == x[1];
            return Evaluation{.value = is_on_line ? 1 + sum * sum / 4 : not_a_number,
                              .gradient = Vector::Constant(2, sum / 2)};
        },
        [](const Vector&) -> Matrix {
            return Vector{{1.0, 4.0}}.asDiagonal();
        });
    const NewtonCg solver({});
    State state = solver.start(objective, Vector{{20.0, 20.0}});

    ASSERT_EQ(solver.step(objective, state), StepResult::moved);

    EXPECT_LT(state.at_point.value, 200);
}

TEST(NewtonCg, GoesOnFromAWrittenStateWithTheSameBits) {
    for (const Data data : {Data::tall, Data::wide, Data::separable}) {
        CurvedLogistic objective = rows_of(data, 1e-5);
        const std::vector<State> states =
            states_of_run(NewtonCg({}), objective, Vector::Zero(objective.dimension()), 30);
        ASSERT_GE(states.size(), 5U);
        for (std::size_t k = 0; k + 1 < states.size(); ++k) {
            State resumed =
                test_problems::read_back(test_problems::written_down(states[k]), states[k]);
            const NewtonCg other({});
            for (std::size_t later = k + 1; later < std::min(k + 4, states.size()); ++later) {
                ASSERT_EQ(other.step(objective, resumed), StepResult::moved);
                ASSERT_TRUE(have_the_same_bits(resumed, states[later])) << k << ", " << later;
            }
        }
    }
}

TEST(NewtonCg, KeepsItsStateWhenTheObjectiveThrowsAndGoesOnWithTheSameBits) {
    CurvedLogistic objective = rows_of(Data::idle_column, 1e-6);
    const NewtonCg solver({});
    const std::vector<State> states =
        states_of_run(solver, objective, Vector::Constant(objective.dimension(), 30.0), 15);
    for (std::size_t k = 0; k + 1 < states.size(); ++k) {
        // Each call of the step in its turn is the one that throws, until none does.
        bool has_thrown = true;
        for (int last_call = 0; has_thrown; ++last_call) {
            State state = states[k];
            int calls = 0;
            objective.before_call = [&] {
                if (calls++ == last_call) {
                    throw std::runtime_error("lost a rank");
                }
            };
            has_thrown = false;
            try {
                solver.step(objective, state);
            } catch (const std::runtime_error&) {
                has_thrown = true;
            }
            objective.before_call = [] {};
            if (has_thrown) {
                state.evaluations = states[k].evaluations;
                ASSERT_TRUE(have_the_same_bits(state, states[k]));
                ASSERT_EQ(solver.step(objective, state), StepResult::moved);
            }
            ASSERT_TRUE(have_the_same_bits(state, states[k + 1])) << k << ", " << last_call;
        }
    }
}

TEST(NewtonCg, AsksForAPartOfTheRows) {
    CurvedLogistic objective = rows_of(Data::tall, 1e-3);

    const std::vector<State> states =
        states_of_run(NewtonCg({.thinning = 4}), objective, Vector::Zero(13));

    EXPECT_LE(gradient_norm(states.back()), 1e-9);
    EXPECT_LE(states.back().evaluations, 25);
}

TEST(NewtonCg, TakesMoreRowsWhereThoseThatItIsToldLeadNowhere) {
    // Of 350 rows six, for 61 variables.
    CurvedLogistic objective = test_problems::correlated_rows(350, 60, 0.2, 1e-6);

    const std::vector<State> states =
        states_of_run(NewtonCg({.thinning = 64}), objective, Vector::Zero(objective.dimension()));

    EXPECT_LE(gradient_norm(states.back()), 1e-9);
    EXPECT_LE(states.back().evaluations, 40);
}

TEST(NewtonCg, ShrinksTheRadiusWhereTheFunctionIsNotFinite) {
    // Newton's step from here leads below 0.
    CurvedFunction objective = of_positive_numbers();

    const std::vector<State> states = states_of_run(NewtonCg({}), objective, Vector{{2.5}});

    EXPECT_NEAR(states.back().point[0], 1, 1e-8);
    EXPECT_LE(states.back().evaluations, 16);
}

TEST(NewtonCg, FallsWithHessiansThatAreNoHessians) {
    const std::vector<Matrix> wrong{-some_hessian(), Matrix::Zero(3, 3),
                                    Matrix::Constant(3, 3, not_a_number),
                                    Matrix::Constant(3, 3, infinity), 1e-300 * some_hessian()};
    for (const Matrix& claimed : wrong) {
        CurvedFunction objective = quadratic(some_hessian(), claimed);
        const NewtonCg solver({});
        State state = solver.start(objective, Vector::Zero(3));
        const double first = state.at_point.value;

        for (int k = 0; k < 10 && solver.step(objective, state) == StepResult::moved; ++k) {
        }

        EXPECT_LT(state.at_point.value, first - 0.5);
    }
}

TEST(NewtonCg, StopsAtTheLimitOfPrecision) {
    CurvedLogistic objective = rows_of(Data::tall, 1e-3);
    const NewtonCg solver({});
    State state = solver.start(objective, Vector::Zero(13));

    StepResult result = StepResult::moved;
    for (int k = 0; k < 100 && result == StepResult::moved; ++k) {
        result = solver.step(objective, state);
    }

    EXPECT_EQ(result, StepResult::no_progress);
    EXPECT_LE(gradient_norm(state), 1e-14);
    EXPECT_LE(state.evaluations, 60);
    // What the last step has cost for nothing is counted too.
    EXPECT_EQ(state.evaluations, objective.evaluations);
    EXPECT_EQ(products_used(state), objective.products);
}

/// A quadratic whose products over some of the rows tell a third of the curvature, so that steps
/// are three times too long.
class PoorlyThinned : public CurvedFunction {
  public:
    explicit PoorlyThinned(const Matrix& h) : CurvedFunction(quadratic(h, h)) {}
    Index most_thinning() const override { return 8; }
    void hessian_product(const Vector& point, const Vector& direction, Index thinning,
                         Vector& product) override {
        CurvedFunction::hessian_product(point, direction, thinning, product);
        product /= thinning > 1 ? 3 : 1;
    }
};

TEST(NewtonCg, TakesAllRowsWhereStepsFromSomeFailAtALevelValue) {
    PoorlyThinned objective(some_hessian());
    // So near the minimum, which is at ones, that the value tells no difference.
    const Vector start = Vector::Ones(3) + Vector{{1e-8, -2e-8, 1e-8}};

    const std::vector<State> states = states_of_run(NewtonCg({.thinning = 4}), objective, start);

    EXPECT_LE(gradient_norm(states.back()), 1e-9);
}

TEST(NewtonCg, GivesUpWhereTheValueIsLevelAndTheGradientGrows) {
    CurvedFunction objective(
        1,
        [](const Vector& x) {
            return Evaluation{.value = 1, .gradient = Vector::Constant(1, 1 + std::abs(x[0]))};
        },
        [](const Vector&) -> Matrix { return Matrix::Ones(1, 1); });
    const NewtonCg solver({});
    State state = solver.start(objective, Vector::Zero(1));

    EXPECT_EQ(solver.step(objective, state), StepResult::no_progress);
    EXPECT_EQ(state.evaluations, 2);
}

TEST(NewtonCg, ShrinksTheRadiusToWhereAParabolaIsLeast) {
    // The Hessian is a fifth of the true one, so that the step is five times too long.
    const Matrix one = Matrix::Identity(1, 1);
    CurvedFunction objective = quadratic(one, 0.2 * one);
    const NewtonCg solver({});
    State state = solver.start(objective, Vector::Constant(1, 1.5));

    ASSERT_EQ(solver.step(objective, state), StepResult::moved);

    EXPECT_EQ(state.evaluations, 3);
    EXPECT_NEAR(state.point[0], 1, 1e-12);
}

TEST(NewtonCg, DivergesFromAStartThatIsNotFinite) {
    CurvedFunction objective(
        1, [](const Vector&) { return Evaluation{.value = infinity, .gradient = Vector::Ones(1)}; },
        [](const Vector&) -> Matrix { return Matrix::Ones(1, 1); });
    const NewtonCg solver({});
    State state = solver.start(objective, Vector::Zero(1));

    EXPECT_EQ(solver.step(objective, state), StepResult::diverged);
    EXPECT_EQ(state.evaluations, 1);
}

TEST(NewtonCgOptions, AreRefusedByNameValueAndRange) {
    using testing::HasSubstr;
    EXPECT_THAT(error_of<NewtonCg>(NewtonCgOptions{.thinning = 0}),
                HasSubstr("--thinning 0: expected a power of two"));
    EXPECT_THAT(error_of<NewtonCg>(NewtonCgOptions{.thinning = 6}), HasSubstr("--thinning 6"));
    EXPECT_THAT(error_of<NewtonCg>(NewtonCgOptions{.max_products = 0}),
                HasSubstr("--max-products 0"));
    EXPECT_EQ(error_of<NewtonCg>(NewtonCgOptions{.thinning = 2, .max_products = 1}), "no error");
}

}  // namespace
}  // namespace paralogit::optim
