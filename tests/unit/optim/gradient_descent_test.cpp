#include "paralogit/optim/gradient_descent.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>
#include <string>

#include "paralogit/base/error.hpp"
#include "paralogit/optim/stopping.hpp"
#include "test_problems.hpp"

namespace paralogit::optim {
namespace {

using test_problems::Function;
using test_problems::have_the_same_bits;
using test_problems::of_one_variable;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// factor x^2
Function parabola(double factor) {
    return of_one_variable([factor](double x) { return factor * x * x; },
                           [factor](double x) { return 2 * factor * x; });
}

std::string error_of(const GradientDescentOptions& options) {
    try {
        const GradientDescent solver(options);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::usage);
        return error.what();
    }
    return "no error";
}

TEST(GradientDescent, StartsWithOneEvaluation) {
    Function objective = parabola(1);

    const State state = GradientDescent({}).start(objective, Vector{{3.0}});

    EXPECT_EQ(state.iteration, 0);
    EXPECT_EQ(state.evaluations, 1);
    EXPECT_EQ(state.point, Vector{{3.0}});
    EXPECT_EQ(state.at_point.value, 9);
    EXPECT_EQ(state.at_point.gradient, Vector{{6.0}});
}

TEST(GradientDescent, RefusesAFirstPointOfAnotherDimension) {
    Function objective = parabola(1);

    EXPECT_THROW(GradientDescent({}).start(objective, Vector::Zero(2)), Error);
}

TEST(GradientDescent, TakesTheStepsWorkedOutByHand) {
    Function objective = parabola(1);
    const GradientDescent solver({.learning_rate = 0.25});
    State state = solver.start(objective, Vector{{8.0}});

    // x - 0.25 * 2 x halves x each time.
    for (const double expected : {4.0, 2.0, 1.0}) {
        EXPECT_EQ(solver.step(objective, state), StepResult::moved);
        EXPECT_EQ(state.point[0], expected);
        EXPECT_EQ(state.at_point.value, expected * expected);
    }

    EXPECT_EQ(state.iteration, 3);
    EXPECT_EQ(state.evaluations, 4);
    EXPECT_TRUE(state.memory.empty());
}

TEST(GradientDescent, StaysWhereItWasWhenTheNextPointIsNotFinite) {
    Function objective = of_one_variable([](double x) { return x > 0 ? x * x : not_a_number; },
                                         [](double x) { return 2 * x; });
    const GradientDescent solver({.learning_rate = 1});
    State state = solver.start(objective, Vector{{1.0}});
    State expected = state;
    expected.evaluations = 2;

    EXPECT_EQ(solver.step(objective, state), StepResult::diverged);
    EXPECT_TRUE(have_the_same_bits(state, expected));
}

TEST(GradientDescent, DivergesWhenTheLearningRateIsTooLarge) {
    Function objective = parabola(1);
    const GradientDescent solver({.learning_rate = 1e100});
    State state = solver.start(objective, Vector{{1.0}});

    StepResult result = StepResult::moved;
    for (int k = 0; k < 10 && result == StepResult::moved; ++k) {
        result = solver.step(objective, state);
    }

    EXPECT_EQ(result, StepResult::diverged);
    EXPECT_TRUE(std::isfinite(state.at_point.value));
}

TEST(BacktrackingGradientDescent, HalvesUntilTheValueFallsEnough) {
    // From x = 1 the gradient is 16: lengths 1, 1/2, 1/4 overshoot, 1/8 leads to -1, which is no
    // lower, and 1/16 hits the minimum.
    Function objective = parabola(8);
    const GradientDescent solver({.learning_rate = 1, .backtracking = true});
    State state = solver.start(objective, Vector{{1.0}});

    EXPECT_EQ(solver.step(objective, state), StepResult::moved);

    EXPECT_EQ(state.evaluations, 1 + 5);
    EXPECT_EQ(state.point[0], 0);
    EXPECT_EQ(state.memory.at("learning_rate")(0, 0), 1.0 / 8);
}

TEST(BacktrackingGradientDescent, TriesTwiceTheAcceptedLengthNext) {
    // On x^2 / 2 a length t multiplies x by 1 - t: 1/4 is accepted, then 1/2, then 1.
    Function objective = parabola(0.5);
    const GradientDescent solver({.learning_rate = 0.25, .backtracking = true});
    State state = solver.start(objective, Vector{{8.0}});

    for (const double expected : {6.0, 3.0, 0.0}) {
        EXPECT_EQ(solver.step(objective, state), StepResult::moved);
        EXPECT_EQ(state.point[0], expected);
    }

    EXPECT_EQ(state.evaluations, 4);
}

TEST(BacktrackingGradientDescent, AsksForTheDecreaseOfItsOption) {
    // On x^2 / 2 from x = 1 a length t lowers the value by t - t^2 / 2: at least 0.8 t when t <=
    // 0.4.
    Function objective = parabola(0.5);
    const GradientDescent solver(
        {.learning_rate = 1, .backtracking = true, .sufficient_decrease = 0.8});
    State state = solver.start(objective, Vector{{1.0}});

    EXPECT_EQ(solver.step(objective, state), StepResult::moved);

    EXPECT_EQ(state.point[0], 0.75);
    EXPECT_EQ(state.evaluations, 1 + 3);
}

TEST(BacktrackingGradientDescent, TakesATrialThatIsNotFiniteForTooLong) {
    Function objective = of_one_variable([](double x) { return x > -1 ? x * x / 2 : not_a_number; },
                                         [](double x) { return x; });
    const GradientDescent solver({.learning_rate = 4, .backtracking = true});
    State state = solver.start(objective, Vector{{1.0}});

    EXPECT_EQ(solver.step(objective, state), StepResult::moved);
    EXPECT_EQ(state.point[0], 0);
    EXPECT_EQ(state.evaluations, 1 + 3);
}

TEST(BacktrackingGradientDescent, MakesNoProgressWhenTheGradientIsWrong) {
    Function objective =
        of_one_variable([](double x) { return x * x; }, [](double x) { return -2 * x; });
    const GradientDescent solver({.learning_rate = 1, .backtracking = true, .max_halvings = 5});
    State state = solver.start(objective, Vector{{1.0}});
    State expected = state;
    expected.evaluations = 1 + 6;

    EXPECT_EQ(solver.step(objective, state), StepResult::no_progress);
    EXPECT_TRUE(have_the_same_bits(state, expected));
}

TEST(BacktrackingGradientDescent, DivergesWhenNoTrialIsFinite) {
    Function objective = of_one_variable([](double x) { return x == 1 ? 1 : not_a_number; },
                                         [](double) { return 1.0; });
    const GradientDescent solver({.learning_rate = 1, .backtracking = true, .max_halvings = 5});
    State state = solver.start(objective, Vector{{1.0}});

    EXPECT_EQ(solver.step(objective, state), StepResult::diverged);
    EXPECT_EQ(state.evaluations, 1 + 6);
    EXPECT_EQ(state.iteration, 0);
}

TEST(BacktrackingGradientDescent, StopsWithoutAnEvaluationWhenTheStepIsTooShortToMove) {
    Function objective = of_one_variable([](double x) { return x; }, [](double) { return 1.0; });
    const GradientDescent solver({.learning_rate = 1, .backtracking = true});
    State state = solver.start(objective, Vector{{1e20}});

    EXPECT_EQ(solver.step(objective, state), StepResult::no_progress);
    EXPECT_EQ(state.evaluations, 1);
}

TEST(BacktrackingGradientDescent, ContinuesFromAWrittenStateWithTheSameBits) {
    Function objective =
        test_problems::logistic(test_problems::Design::independent, 1e-3).objective();
    const GradientDescent solver({.learning_rate = 64, .backtracking = true});
    std::vector<State> states{solver.start(objective, Vector::Zero(21))};
    for (int k = 0; k < 20; ++k) {
        State next = states.back();
        ASSERT_EQ(solver.step(objective, next), StepResult::moved);
        states.push_back(next);
    }

    for (std::size_t k = 0; k + 1 < states.size(); ++k) {
        State resumed = test_problems::read_back(test_problems::written_down(states[k]), states[k]);
        const GradientDescent other({.learning_rate = 64, .backtracking = true});
        other.step(objective, resumed);
        EXPECT_TRUE(have_the_same_bits(resumed, states[k + 1])) << k;
    }
}

TEST(BacktrackingGradientDescent, ConvergesOnAWellConditionedLogisticProblem) {
    Function objective =
        test_problems::logistic(test_problems::Design::independent, 1e-3).objective();
    const GradientDescent solver({.backtracking = true});
    State state = solver.start(objective, Vector::Zero(21));
    const StoppingRules rules{.max_iterations = 2000, .tolerance = 1e-9};

    while (!reason_to_stop(state, rules) && solver.step(objective, state) == StepResult::moved) {
    }

    EXPECT_EQ(reason_to_stop(state, rules), StopReason::converged) << gradient_norm(state);
}

TEST(GradientDescent, KeepsItsStateAndCountsTheEvaluationWhenTheObjectiveThrows) {
    for (const bool backtracking : {false, true}) {
        bool is_broken = false;
        Function objective(1, [&is_broken](const Vector& x) -> Evaluation {
            if (is_broken) {
                throw std::runtime_error("lost a rank");
            }
            return {.value = x[0] * x[0], .gradient = 2 * x};
        });
        const GradientDescent solver({.learning_rate = 0.25, .backtracking = backtracking});
        State state = solver.start(objective, Vector{{1.0}});
        ASSERT_EQ(solver.step(objective, state), StepResult::moved);
        State expected = state;
        ++expected.evaluations;

        is_broken = true;
        EXPECT_THROW(solver.step(objective, state), std::runtime_error);
        EXPECT_TRUE(have_the_same_bits(state, expected));
    }
}

TEST(GradientDescentOptions, AreRefusedByNameValueAndRange) {
    using testing::HasSubstr;
    const std::string rate = error_of({.learning_rate = -0.5});
    EXPECT_THAT(rate, HasSubstr("--learning-rate -0.5"));
    EXPECT_THAT(rate, HasSubstr("above 0"));
    EXPECT_THAT(error_of({.learning_rate = not_a_number}), HasSubstr("--learning-rate nan"));
    EXPECT_THAT(error_of({.learning_rate = std::numeric_limits<double>::infinity()}),
                HasSubstr("--learning-rate inf"));
    EXPECT_THAT(error_of({.sufficient_decrease = 1}), HasSubstr("--sufficient-decrease 1"));
    EXPECT_THAT(error_of({.max_halvings = 0}), HasSubstr("--max-halvings 0"));
    EXPECT_EQ(error_of({}), "no error");
}

}  // namespace
}  // namespace paralogit::optim
