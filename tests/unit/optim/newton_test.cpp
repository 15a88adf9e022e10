#include "paralogit/optim/newton.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "curved_problems.hpp"
#include "paralogit/base/error.hpp"
#include "paralogit/optim/lbfgs.hpp"
#include "paralogit/optim/stopping.hpp"
#include "solver_runs.hpp"
#include "test_problems.hpp"

namespace paralogit::optim {
namespace {

using test_problems::coarse_quadratic;
using test_problems::CurvedFunction;
using test_problems::CurvedLogistic;
using test_problems::Data;
using test_problems::error_of;
using test_problems::evaluations_until_no_progress;
using test_problems::have_the_same_bits;
using test_problems::of_positive_numbers;
using test_problems::quadratic;
using test_problems::some_hessian;
using test_problems::states_of_run;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(Newton, SolvesAQuadraticInOneStep) {
    CurvedFunction objective = quadratic(some_hessian(), some_hessian());

    const std::vector<State> states = states_of_run(Newton({}), objective, Vector::Zero(3));

    ASSERT_EQ(states.size(), 2U);
    EXPECT_EQ(states.back().evaluations, 2);
    EXPECT_LE((states.back().point - Vector::Ones(3)).norm(), 1e-14);
}

TEST(Newton, CorrectsAWrongHessianByItsPairs) {
    const std::vector<Matrix> wrong{some_hessian().diagonal().asDiagonal(), 3 * some_hessian(),
                                    Matrix::Identity(3, 3), 0.3 * some_hessian()};
    for (const Matrix& claimed : wrong) {
        CurvedFunction objective = quadratic(some_hessian(), claimed);
        // So dear that it is kept.
        const Newton solver({.hessian_cost = 1e6});

        const std::vector<State> states = states_of_run(solver, objective, Vector::Zero(3));

        EXPECT_LE(gradient_norm(states.back()), 1e-9);
        EXPECT_LE(states.back().evaluations, 16);
        EXPECT_EQ(hessians_used(states.back()), 1);
    }
}

/// -H g of the one pair that the state remembers, from H_0 = scale * inverse of `claimed` (Nocedal
/// & Wright 2006, equation 7.16).
Vector dense_direction(const State& state, const Matrix& claimed, double scale) {
    const Vector s = state.memory.at("s");
    const Vector y = state.memory.at("y");
    const Matrix left = Matrix::Identity(s.size(), s.size()) - s * y.transpose() / s.dot(y);
    const Matrix h =
        left * (scale * claimed.inverse()) * left.transpose() + s * s.transpose() / s.dot(y);
    return -h * state.at_point.gradient;
}

TEST(Newton, ScalesAHessianThatIsMoreThanTwiceTooLarge) {
    for (const double size : {0.9, 1.5, 5.0, 20.0}) {
        const Matrix claimed = size * Matrix(some_hessian().diagonal().asDiagonal());
        CurvedFunction objective = quadratic(some_hessian(), claimed);
        const Newton solver({.hessian_cost = 1e6});
        State state = solver.start(objective, Vector{{5.0, -3.0, 2.0}});
        ASSERT_EQ(solver.step(objective, state), StepResult::moved);
        const Vector s = state.memory.at("s");
        const Vector y = state.memory.at("y");
        const double scale = s.dot(y) / y.dot(claimed.inverse() * y);
        EXPECT_EQ(scale > 2, size >= 5);
        const Vector expected =
            state.point + dense_direction(state, claimed, scale > 2 ? scale : 1.0);

        ASSERT_EQ(solver.step(objective, state), StepResult::moved);

        EXPECT_LE((state.point - expected).norm(), 1e-12) << size;
    }
}

TEST(Newton, ForgetsItsPairsWithANewHessian) {
    CurvedLogistic objective = rows_of(Data::wide, 1e-4);
    const std::vector<State> states =
        states_of_run(Newton({.hessian_cost = 4}), objective, Vector::Zero(objective.dimension()));
    Index renewals = 0;
    for (std::size_t k = 1; k < states.size(); ++k) {
        const auto& memory = states[k].memory;
        const bool is_new = memory.at("hessian_point").col(0) == states[k].point;
        EXPECT_EQ(memory.at("s").cols() == 0, is_new) << k;
        EXPECT_EQ(memory.at("y").cols(), memory.at("s").cols()) << k;
        renewals += is_new ? 1 : 0;
    }
    EXPECT_GE(renewals, 2);
    EXPECT_LT(renewals, static_cast<Index>(states.size()) - 2);
}

struct Case {
    Data data;
    double l2;
    Index most_evaluations;
};

class NewtonConvergence : public testing::TestWithParam<Case> {};

TEST_P(NewtonConvergence, ReachesTheOptimumInFewEvaluations) {
    const Case expected = GetParam();
    for (const double cost : {0.1, 4.0}) {
        CurvedLogistic objective = rows_of(expected.data, expected.l2);
        const Newton solver({.hessian_cost = cost});

        const std::vector<State> states =
            states_of_run(solver, objective, Vector::Zero(objective.dimension()));

        const State& last = states.back();
        RecordProperty(cost < 1 ? "evaluations_cheap" : "evaluations_dear",
                       std::to_string(last.evaluations));
        EXPECT_LE(gradient_norm(last), 1e-9) << cost;
        EXPECT_LE(last.evaluations, expected.most_evaluations) << cost;
        EXPECT_EQ(last.evaluations, objective.evaluations);
        EXPECT_EQ(hessians_used(last), static_cast<Index>(objective.thinnings.size()));
        EXPECT_NEAR(last.at_point.value, static_cast<double>(least_value(objective)), 1e-9);
        for (std::size_t k = 1; k < states.size(); ++k) {
            EXPECT_LE(states[k].at_point.value, states[k - 1].at_point.value * (1 + 1e-12)) << k;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(
    OnAllData, NewtonConvergence,
    testing::Values(Case{Data::tall, 0, 12}, Case{Data::tall, 1e-2, 10},
                    Case{Data::badly_scaled, 0, 12}, Case{Data::wide, 1e-2, 20},
                    Case{Data::wide, 1e-5, 45}, Case{Data::collinear, 0, 14},
                    Case{Data::collinear, 1e-8, 14}, Case{Data::separable, 1e-4, 25},
                    Case{Data::separable, 1e-8, 60}, Case{Data::idle_column, 0, 12},
                    Case{Data::few_positives, 0, 16}));

TEST(Newton, ComesBackFromWhereTheCurvatureVanishes) {
    for (const Data data : {Data::tall, Data::separable, Data::idle_column}) {
        for (const double start : {100.0, -1000.0}) {
            CurvedLogistic objective = rows_of(data, 1e-3);

            const std::vector<State> states = states_of_run(
                Newton({}), objective, Vector::Constant(objective.dimension(), start));

            EXPECT_LE(gradient_norm(states.back()), 1e-9);
            EXPECT_LE(states.back().evaluations, 60);
            EXPECT_NEAR(states.back().at_point.value, static_cast<double>(least_value(objective)),
                        1e-9);
        }
    }
}

TEST(Newton, GoesOnFromAWrittenStateWithTheSameBits) {
    for (const double cost : {0.1, 4.0, 50.0}) {
        for (const Data data : {Data::tall, Data::wide, Data::separable, Data::collinear}) {
            CurvedLogistic objective = rows_of(data, 1e-5);
            const NewtonOptions options{.hessian_cost = cost, .history = 3};
            const std::vector<State> states =
                states_of_run(Newton(options), objective, Vector::Zero(objective.dimension()), 30);
            ASSERT_GE(states.size(), 5U);
            for (std::size_t k = 0; k + 1 < states.size(); ++k) {
                State resumed =
                    test_problems::read_back(test_problems::written_down(states[k]), states[k]);
                const Newton other(options);
                for (std::size_t later = k + 1; later < std::min(k + 6, states.size()); ++later) {
                    ASSERT_EQ(other.step(objective, resumed), StepResult::moved);
                    ASSERT_TRUE(have_the_same_bits(resumed, states[later])) << k << ", " << later;
                }
            }
        }
    }
}

TEST(Newton, KeepsItsStateWhenTheObjectiveThrowsAndGoesOnWithTheSameBits) {
    CurvedLogistic objective = rows_of(Data::wide, 1e-6);
    const Newton solver({});
    const std::vector<State> states =
        states_of_run(solver, objective, Vector::Constant(objective.dimension(), 3.0), 40);
    for (std::size_t k = 0; k + 1 < states.size(); ++k) {
        // Each call of the step in its turn is the one that throws, until none does.
        bool has_thrown = true;
        for (int last_call = 0; has_thrown; ++last_call) {
            const Newton fresh({});
            State state = states[k];
            int calls = 0;
            objective.before_call = [&] {
                if (calls++ == last_call) {
                    throw std::runtime_error("lost a rank");
                }
            };
            has_thrown = false;
            try {
                fresh.step(objective, state);
            } catch (const std::runtime_error&) {
                has_thrown = true;
            }
            objective.before_call = [] {};
            if (has_thrown) {
                EXPECT_LE(state.evaluations, states[k].evaluations + last_call + 1);
                state.evaluations = states[k].evaluations;
                ASSERT_TRUE(have_the_same_bits(state, states[k]));
                ASSERT_EQ(fresh.step(objective, state), StepResult::moved);
            }
            ASSERT_TRUE(have_the_same_bits(state, states[k + 1])) << k << ", " << last_call;
        }
    }
}

TEST(Newton, ComputesNoHessianTwiceInOneRun) {
    CurvedLogistic objective = rows_of(Data::tall, 0);

    const std::vector<State> states =
        states_of_run(Newton({.hessian_cost = 4}), objective, Vector::Zero(13));

    EXPECT_EQ(static_cast<Index>(objective.thinnings.size()), hessians_used(states.back()));
    EXPECT_LT(objective.thinnings.size(), states.size() - 1);
}

TEST(Newton, KeepsTheThinningThatItIsTold) {
    CurvedLogistic objective = rows_of(Data::tall, 1e-3);
    const Newton solver({.thinning = 8, .keeps_thinning = true, .hessian_cost = 0.1});

    const std::vector<State> states = states_of_run(solver, objective, Vector::Zero(13));

    EXPECT_LE(gradient_norm(states.back()), 1e-9);
    EXPECT_LE(states.back().evaluations, 20);
    EXPECT_GE(objective.thinnings.size(), 2U);
    EXPECT_THAT(objective.thinnings, testing::Each(8));
}

TEST(Newton, TakesMoreRowsWhereThoseThatItIsToldLeadNowhere) {
    // Of 350 rows six, for 61 variables.
    CurvedLogistic objective = test_problems::correlated_rows(350, 60, 0.2, 1e-6);
    const NewtonOptions options{.thinning = 64, .keeps_thinning = true, .hessian_cost = 0.1};

    const std::vector<State> states =
        states_of_run(Newton(options), objective, Vector::Zero(objective.dimension()));

    EXPECT_EQ(objective.thinnings.front(), 64);
    EXPECT_EQ(objective.thinnings.back(), 1);
    EXPECT_LE(gradient_norm(states.back()), 1e-9);
    EXPECT_LE(states.back().evaluations, 60);
    for (std::size_t k = 0; k + 1 < states.size(); ++k) {
        State resumed = test_problems::read_back(test_problems::written_down(states[k]), states[k]);
        ASSERT_EQ(Newton(options).step(objective, resumed), StepResult::moved);
        ASSERT_TRUE(have_the_same_bits(resumed, states[k + 1])) << k;
    }
}

TEST(Newton, BeginsWithTheThinningThatItIsToldAsFarAsThereIsOne) {
    CurvedLogistic objective = rows_of(Data::tall, 1e-3);

    states_of_run(Newton({.thinning = 1024}), objective, Vector::Zero(13), 1);

    ASSERT_EQ(objective.thinnings.size(), 1U);
    EXPECT_EQ(objective.thinnings.front(), 64);
}

TEST(Newton, TriesMoreRowsThenTheGradientWhenASearchFails) {
    // The value rises in every direction but the gradient promises a decrease.
    class Wrong : public CurvedFunction {
      public:
        using CurvedFunction::CurvedFunction;
        Index most_thinning() const override { return 64; }
        Matrix hessian(const Vector& point, Index thinning) override {
            thinnings.push_back(thinning);
            return CurvedFunction::hessian(point, thinning);
        }
        std::vector<Index> thinnings;
    };
    Wrong objective(
        2,
        [](const Vector& x) {
            return Evaluation{.value = 1 + x.norm(), .gradient = Vector{{1.0, 0.5}}};
        },
        [](const Vector&) -> Matrix { return Matrix::Identity(2, 2); });
    const Newton solver({.thinning = 64});
    State state = solver.start(objective, Vector::Zero(2));
    const State before = state;

    EXPECT_EQ(solver.step(objective, state), StepResult::no_progress);

    EXPECT_THAT(objective.thinnings, testing::ElementsAre(64, 16, 1));
    EXPECT_GT(state.evaluations, before.evaluations + 3);
    state.evaluations = before.evaluations;
    EXPECT_TRUE(have_the_same_bits(state, before));
}

TEST(Newton, SurvivesHessiansThatAreNoHessians) {
    const std::vector<Matrix> wrong{-some_hessian(),
                                    Matrix::Zero(3, 3),
                                    Matrix::Constant(3, 3, not_a_number),
                                    Matrix::Constant(3, 3, infinity),
                                    Matrix::Ones(3, 3),
                                    1e-300 * some_hessian()};
    for (const Matrix& claimed : wrong) {
        CurvedFunction objective = quadratic(some_hessian(), claimed);
        const Newton solver({});
        State state = solver.start(objective, Vector::Zero(3));
        const double first = state.at_point.value;

        for (int k = 0; k < 10; ++k) {
            const double before = state.at_point.value;
            if (solver.step(objective, state) != StepResult::moved) {
                break;
            }
            EXPECT_LE(state.at_point.value, before);
        }

        EXPECT_LT(state.at_point.value, first - 0.5);
    }
}

TEST(Newton, TurnsBackFromWhereTheFunctionIsNotFinite) {
    // Newton's step from here leads below 0.
    CurvedFunction objective = of_positive_numbers();

    const std::vector<State> states = states_of_run(Newton({}), objective, Vector{{2.5}});

    EXPECT_NEAR(states.back().point[0], 1, 1e-8);
    EXPECT_LE(states.back().evaluations, 16);
}

TEST(Newton, StopsAtTheLimitOfPrecision) {
    CurvedLogistic objective = rows_of(Data::tall, 1e-3);
    const Newton solver({});
    State state = solver.start(objective, Vector::Zero(13));

    StepResult result = StepResult::moved;
    for (int k = 0; k < 100 && result == StepResult::moved; ++k) {
        result = solver.step(objective, state);
    }

    EXPECT_EQ(result, StepResult::no_progress);
    EXPECT_LE(gradient_norm(state), 1e-14);
    EXPECT_LE(state.evaluations, 120);
}

TEST(Newton, StopsSoonWhereRoundingHidesTheValue) {
    CurvedFunction objective = coarse_quadratic(some_hessian());

    const Index evaluations = evaluations_until_no_progress(Newton({}), objective);

    EXPECT_LE(evaluations, 100);
}

TEST(Newton, DivergesFromAStartThatIsNotFinite) {
    CurvedFunction objective(
        1, [](const Vector&) { return Evaluation{.value = infinity, .gradient = Vector::Ones(1)}; },
        [](const Vector&) -> Matrix { return Matrix::Ones(1, 1); });
    const Newton solver({});
    State state = solver.start(objective, Vector::Zero(1));

    EXPECT_EQ(solver.step(objective, state), StepResult::diverged);
    EXPECT_EQ(state.evaluations, 1);
}

TEST(Newton, NeedsACurvature) {
    test_problems::Function objective = test_problems::rosenbrock(2);
    const Newton solver({});
    State state = solver.start(objective, Vector::Zero(2));

    EXPECT_THROW(solver.step(objective, state), Error);
}

TEST(NewtonOptions, AreRefusedByNameValueAndRange) {
    using testing::HasSubstr;
    EXPECT_THAT(error_of<Newton>(NewtonOptions{.thinning = 3}),
                HasSubstr("--thinning 3: expected a power of two"));
    EXPECT_THAT(error_of<Newton>(NewtonOptions{.thinning = -2}), HasSubstr("--thinning -2"));
    EXPECT_THAT(error_of<Newton>(NewtonOptions{.hessian_cost = 0}), HasSubstr("--hessian-cost 0"));
    EXPECT_THAT(error_of<Newton>(NewtonOptions{.hessian_cost = infinity}),
                HasSubstr("--hessian-cost inf"));
    EXPECT_THAT(error_of<Newton>(NewtonOptions{.history = 0}), HasSubstr("--history 0"));
    EXPECT_THAT(error_of<Newton>(NewtonOptions{.line_search = {.curvature = 1}}),
                HasSubstr("--curvature 1"));
    EXPECT_EQ(error_of<Newton>(NewtonOptions{.thinning = 4}), "no error");
}

}  // namespace
}  // namespace paralogit::optim
