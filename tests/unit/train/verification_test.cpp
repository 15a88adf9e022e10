#include "../../../src/train/checks/verification.hpp"

#include <gtest/gtest.h>

namespace paralogit::train {
namespace {

/// A run that came to rest where the largest entry of its gradient is 1e-9.
IterationFacts end_of_run() {
    IterationFacts end;
    end.objective = 0.5;
    end.gradient_norm = 1e-9;
    return end;
}

Verification computed_again(double objective, double violation) {
    return {.objective = objective,
            .violation = violation,
            .objective_rounding = 1e-15,
            .violation_rounding = 1e-13};
}

TEST(Verification, AgreesToRounding) {
    EXPECT_TRUE(are_consistent(computed_again(0.5, 1e-9), end_of_run()));
    EXPECT_TRUE(are_consistent(computed_again(0.5 + 5e-11, 1.01e-9), end_of_run()));
    EXPECT_TRUE(are_consistent(computed_again(0.5, 0), end_of_run()));
}

TEST(Verification, RefusesAGradientThatIsAFewHundredthsLarger) {
    const Verification verification = computed_again(0.5, 1.02e-9);

    EXPECT_FALSE(are_consistent(verification, end_of_run()));
    EXPECT_THROW(require_consistent({.is_consistent = false}, end_of_run()), Error);
}

TEST(Verification, RefusesAnotherObjectiveOnEitherSide) {
    EXPECT_FALSE(are_consistent(computed_again(0.5 + 2e-10, 1e-9), end_of_run()));
    EXPECT_FALSE(are_consistent(computed_again(0.5 - 2e-10, 1e-9), end_of_run()));
}

TEST(Verification, MeasuresTheObjectiveByItself) {
    IterationFacts end = end_of_run();
    end.objective = 1e-9;

    EXPECT_TRUE(are_consistent(computed_again(1e-9 + 5e-17, 1e-9), end));
    EXPECT_FALSE(are_consistent(computed_again(1.01e-9, 1e-9), end));
    EXPECT_FALSE(are_consistent(computed_again(0.99e-9, 1e-9), end));
}

TEST(Verification, AllowsWhatTheRoundingOfMarginsComesTo) {
    Verification verification = computed_again(0.5 - 2e-8, 3e-8);
    verification.objective_rounding = 2.1e-8;
    verification.violation_rounding = 2.95e-8;
    EXPECT_TRUE(are_consistent(verification, end_of_run()));

    verification.violation_rounding = 2.8e-8;
    EXPECT_FALSE(are_consistent(verification, end_of_run()));

    verification.violation_rounding = 2.95e-8;
    verification.objective_rounding = 1.9e-8;
    EXPECT_FALSE(are_consistent(verification, end_of_run()));
}

}  // namespace
}  // namespace paralogit::train
