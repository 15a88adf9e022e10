#include "paralogit/optim/newton_cg.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

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

TEST(NewtonCg, TakesMoreRowsWhereStepsFromFewAreSlow) {
    // Four features, each of them twice, and their sum: 31 rows say next to nothing of how these
    // hang together, and each step falls for that anew.
    std::mt19937_64 engine(7);
    std::normal_distribution<double> normal;
    Matrix x(9, 2000);
    Vector y(2000);
    for (Index i = 0; i < x.cols(); ++i) {
        for (Index j = 0; j < 4; ++j) {
            x(j, i) = x(j + 4, i) = normal(engine);
        }
        x(8, i) = x(0, i) + x(1, i) + x(2, i) + x(3, i);
        y[i] = x(0, i) - x(1, i) + normal(engine) > 0 ? 1 : 0;
    }
    CurvedLogistic objective(std::move(x), std::move(y), 1e-4);

    const std::vector<State> states =
        states_of_run(NewtonCg({.thinning = 64}), objective, Vector::Zero(objective.dimension()));

    EXPECT_LE(gradient_norm(states.back()), 1e-9);
    EXPECT_LE(states.size(), 60U);
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
