#include "paralogit/train/solver_choice.hpp"

#include <gtest/gtest.h>

#include "paralogit/base/error.hpp"

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

Index bytes_of(const std::string& name, Index dimension, std::optional<Index> entries,
               int threads = 1) {
    SolverOptions options;
    options.name = name;
    options.lbfgs.history = 30;
    return solver_bytes(options, {.rows = 1000, .dimension = dimension, .entries = entries}, 1000,
                        threads);
}

TEST(SolverBytes, AreThoseOfHistoryAndMatricesBesideTheVectorsOfAny) {
    for (const auto entries : {std::optional<Index>(), std::optional<Index>(50'000)}) {
        const auto more_than_gd = [&](const std::string& name, Index dimension, int threads = 1) {
            return bytes_of(name, dimension, entries, threads) -
                   bytes_of("gd", dimension, entries, threads);
        };
        for (const char* const name : {"lbfgs", "owl-qn"}) {
            EXPECT_EQ(more_than_gd(name, 2000), 2 * 30 * 2000 * 8) << name;
        }
        for (const char* const name : {"newton", "prox-newton"}) {
            EXPECT_EQ(more_than_gd(name, 2000, 5), 7 * 2000 * 2000 * 8) << name;
            EXPECT_EQ(more_than_gd(name, 500, 5), 11 * 500 * 500 * 8) << name;
        }
        EXPECT_EQ(more_than_gd("prox-newton", 100'000), 7 * Index{4096} * 4096 * 8);
        EXPECT_GT(more_than_gd("newton-cg", 2000), 0);
    }
}

TEST(SolverBytes, AreNoNumberThatCannotBeCounted) {
    EXPECT_THROW(bytes_of("newton", Index{1} << 32, std::nullopt), Error);
    EXPECT_THROW(bytes_of("newton", Index{1} << 32, Index{1} << 33), Error);
    EXPECT_THROW(bytes_of("lbfgs", Index{1} << 58, std::nullopt), Error);
}

}  // namespace
}  // namespace paralogit::train
