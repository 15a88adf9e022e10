#include "paralogit/train/solver_choice.hpp"

#include <gtest/gtest.h>

#include <utility>

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

TEST(SolverChoice, TellsWhatAHessianOfTheRowsThatAreForcedCosts) {
    SolverOptions options;
    const auto reason = [&] {
        return choose_solver(options, {.rows = 100'000, .dimension = 301, .entries = std::nullopt})
            .reason;
    };
    EXPECT_EQ(reason(), "a Hessian costs as much as 1.4 passes");
    options.newton.keeps_thinning = true;
    const std::pair<Index, std::string> costs[] = {
        {1, "30"}, {2, "15"}, {16, "1.9"}, {1024, "0.12"}};  // one of 256 rows of a block
    for (const auto& [thinning, passes] : costs) {
        options.newton.thinning = thinning;
        EXPECT_EQ(reason(), "a Hessian costs as much as " + passes + " passes");
    }
}

TEST(SolverChoice, OfMoreVariablesThanNewtonIsForIsRefusedWithWhatToTake) {
    SolverOptions options;
    const auto check = [&](Index dimension) {
        check_solver_size(options, {.rows = 100, .dimension = dimension, .entries = std::nullopt});
    };
    for (const char* const name : {"auto", "newton-cg", "lbfgs", "prox-newton"}) {
        options.name = name;
        EXPECT_NO_THROW(check(1'000'000)) << name;
    }
    options.name = "newton";
    EXPECT_NO_THROW(check(10'000));
    try {
        check(10'001);
        FAIL() << "it was taken";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::usage);
        EXPECT_NE(std::string(error.what()).find("take --solver newton-cg"), std::string::npos);
    }
}

Index bytes_of(const std::string& name, Index dimension, std::optional<Index> entries,
               int threads = 1) {
    SolverOptions options;
    options.name = name;
    options.lbfgs.history = 30;
    return solver_bytes(options, {.rows = 1000, .dimension = dimension, .entries = entries},
                        {.own_rows = 1000, .threads = threads});
}

TEST(SolverBytes, AreThoseOfHistoryAndMatricesBesideTheVectorsOfAny) {
    for (const auto entries : {std::optional<Index>(), std::optional<Index>(50'000)}) {
        const auto more_than_gd = [&](const std::string& name, Index dimension, int threads = 1) {
            return bytes_of(name, dimension, entries, threads) -
                   bytes_of("gd", dimension, entries, threads);
        };
        // Those of the part that is not smooth, where they are as long as the vectors of rows.
        const Index proximal = entries ? 5 : 0;
        EXPECT_EQ(more_than_gd("lbfgs", 2000), 2 * 30 * 2000 * 8);
        EXPECT_EQ(more_than_gd("owl-qn", 2000), (2 * 30 + proximal) * 2000 * 8);
        for (const char* const name : {"newton", "prox-newton"}) {
            const Index more = name == std::string("newton") ? 0 : proximal;
            EXPECT_EQ(more_than_gd(name, 2000, 5), 2000 * (2000 * (2 * 8 + 2) + more * 8)) << name;
            EXPECT_EQ(more_than_gd(name, 500, 5), 500 * (500 * (6 * 8 + 2) + more * 8)) << name;
        }
        EXPECT_EQ(more_than_gd("prox-newton", 100'000),
                  Index{4096} * 4096 * (2 * 8 + 2) + proximal * 100'000 * 8);
        // More are refused, once it is known how many features of sparse rows there are.
        EXPECT_EQ(more_than_gd("newton", 3'000'000), Index{10'000} * 10'000 * (2 * 8 + 2));
        EXPECT_GT(more_than_gd("newton-cg", 2000), 0);
    }
}

TEST(SolverBytes, OfSparseRowsAreThoseOfWhatAStochasticSolverTakesAlong) {
    constexpr Index vector = 100'000 * 8;
    const auto bytes = [](const std::string& name, double momentum, bool averages, bool streams) {
        SolverOptions options;
        options.name = name;
        options.stochastic.momentum = momentum;
        if (averages) {
            options.stochastic.averages_from = 1;
        }
        return solver_bytes(options, {.rows = 1000, .dimension = 100'000, .entries = 50'000},
                            {.own_rows = 1000, .may_be_streamed = streams});
    };
    const Index plain = bytes("sgd", 0, false, false);

    EXPECT_EQ(bytes("sgd", 0.9, false, false), plain + 3 * vector);
    EXPECT_EQ(bytes("adagrad", 0, false, false), plain + 3 * vector);
    EXPECT_EQ(bytes("adam", 0, false, false), plain + 6 * vector);
    EXPECT_EQ(bytes("adam", 0, true, false), plain + 8 * vector);
    // Where the rows begin.
    EXPECT_EQ(bytes("sgd", 0, false, true), plain + 1000 * 8);
}

TEST(SolverBytes, OfSparseRowsCountTheSumsThatThreadsHaveApart) {
    const auto sums = [](Index dimension, int threads) {
        return bytes_of("gd", dimension, 50'000, threads) - bytes_of("gd", dimension, 50'000);
    };

    EXPECT_EQ(sums(400'000, 3), 2 * 2 * 400'000 * 8);
    // Beyond 8 MB the threads share them, but for the high limbs.
    EXPECT_EQ(sums(600'000, 2), 0);
    EXPECT_EQ(sums(600'000, 3), 600'000 * 8);
}

TEST(WaysToTakeLess, AreThoseOfTheSolverThatDo) {
    const auto ways = [](const std::string& name, const auto& change, Index dimension = 2000) {
        SolverOptions options;
        options.name = name;
        options.lbfgs.history = 10;
        change(options);
        return ways_to_take_less(options, {.rows = 1000, .dimension = dimension, .entries = 50'000},
                                 {.own_rows = 1000});
    };
    const auto as_it_is = [](SolverOptions&) {};
    EXPECT_EQ(ways("newton", as_it_is), "--solver newton-cg");
    EXPECT_EQ(ways("lbfgs", as_it_is), "--solver newton-cg or a smaller --history");
    EXPECT_EQ(ways("owl-qn", as_it_is), "a smaller --history");
    EXPECT_EQ(ways("prox-newton", as_it_is), "--solver owl-qn");
    EXPECT_EQ(ways("prox-newton", as_it_is, 5), "") << "whose history is more than the matrices";
    EXPECT_EQ(ways("auto", as_it_is), "") << "it is newton-cg";
    EXPECT_EQ(ways("gd", as_it_is), "");
    EXPECT_EQ(ways("sgd", as_it_is), "");
    EXPECT_EQ(ways("adam", as_it_is), "--solver sgd");
    EXPECT_EQ(ways("sgd",
                   [](SolverOptions& options) {
                       options.stochastic.momentum = 0.5;
                       options.stochastic.averages_from = 1;
                       options.batches.local_steps = 3;
                   }),
              "no --momentum or no --average or no --local-steps");
}

TEST(SolverBytes, AreNoNumberThatCannotBeCounted) {
    // The matrices of newton have a bound; the vectors beside them do not.
    EXPECT_GT(bytes_of("newton", Index{1} << 32, std::nullopt), Index{1} << 32);
    for (const char* const name : {"newton", "lbfgs"}) {
        EXPECT_THROW(bytes_of(name, Index{1} << 58, std::nullopt), Error) << name;
        EXPECT_THROW(bytes_of(name, Index{1} << 58, Index{1} << 33), Error) << name;
    }
}

}  // namespace
}  // namespace paralogit::train
