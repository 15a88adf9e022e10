#include "paralogit/train/solver_choice.hpp"

#include <gtest/gtest.h>

namespace paralogit::train {
namespace {

std::string choice_of(bool has_kinks, Index rows, Index dimension,
                      std::optional<Index> entries = std::nullopt) {
    SolverOptions options;
    options.has_kinks = has_kinks;
    return choose_solver(options, {.rows = rows, .dimension = dimension, .entries = entries}).name;
}

TEST(SolverChoice, TakesAProximalMethodForWhatIsNotSmooth) {
    EXPECT_EQ(choice_of(true, 2'000'000, 65), "prox-newton");
    EXPECT_EQ(choice_of(true, 200, 10'001), "prox-newton");
    EXPECT_EQ(choice_of(true, 20'000, 1'501), "owl-qn") << "a Hessian would cost 126 passes";
    EXPECT_EQ(choice_of(true, 1'000'000, 100'001, 43'000'000), "owl-qn");
    EXPECT_EQ(choice_of(true, 2'000, 60'001, 230'000), "prox-newton");
}

TEST(SolverChoice, TakesASmoothMethodForWhatIsSmooth) {
    EXPECT_EQ(choice_of(false, 2'000'000, 65), "newton");
    EXPECT_EQ(choice_of(false, 200, 10'001), "newton-cg");
    EXPECT_EQ(choice_of(false, 20'000, 1'501), "lbfgs");
    EXPECT_EQ(choice_of(false, 1'000'000, 100'001, 43'000'000), "lbfgs");
}

TEST(SolverChoice, IsTheUsersWhereThereIsOne) {
    SolverOptions options;
    options.name = "owl-qn";
    options.has_kinks = true;
    const SolverChoice choice =
        choose_solver(options, {.rows = 100, .dimension = 3, .entries = std::nullopt});
    EXPECT_EQ(choice.name, "owl-qn");
    EXPECT_EQ(choice.reason, "");
}

}  // namespace
}  // namespace paralogit::train
