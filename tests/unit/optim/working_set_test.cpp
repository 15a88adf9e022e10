#include "../../../src/optim/working_set.hpp"

#include <gtest/gtest.h>

#include "composite_problems.hpp"

namespace paralogit::optim {
namespace {

using test_problems::no_bound;
using Set = std::vector<Index>;

SeparableTerm term_of(Index size) {
    return {.l1 = Vector::Ones(size),
            .lower = Vector::Constant(size, -no_bound),
            .upper = Vector::Constant(size, no_bound)};
}

TEST(WorkingSet, HasAllOfFewVariables) {
    EXPECT_EQ(working_set(Vector::Zero(3), Vector::Zero(3), term_of(3), 3, 3), (Set{0, 1, 2}));
}

TEST(WorkingSet, HasTheFreeVariablesAndTheWorstViolators) {
    SeparableTerm term = term_of(8);
    term.l1[7] = 0;
    term.upper[6] = 0.5;
    const Vector point{{0, 2, 0, 0, -1, 0, 0.5, 0}};
    const Vector violations{{0.1, 0, -0.3, 0, 0.2, 0.2, 0, 0}};
    // 1, 4 and 7 are free; 6 stays at its bound, 3 at 0.
    EXPECT_EQ(working_set(point, violations, term, 1, 8), (Set{0, 1, 2, 4, 5, 7}));
    EXPECT_EQ(working_set(point, violations, term, 1, 2), (Set{2, 4}));
    // One violator where none is free.
    EXPECT_EQ(working_set(Vector::Zero(8), violations, term_of(8), 1, 8), (Set{2}));
}

TEST(WorkingSet, MissesAVariableThatIsNearlyTheWorst) {
    const Vector violations{{0.1, -1, 0.2, 0.5}};
    EXPECT_TRUE(misses_the_worst({0, 2, 3}, violations));
    EXPECT_TRUE(misses_the_worst({0, 1}, violations)) << "0.5 is half of the worst";
    EXPECT_FALSE(misses_the_worst({1, 3}, violations));
    EXPECT_FALSE(misses_the_worst({0, 1, 2, 3}, violations));
}

TEST(WorkingSet, TakesItsEntriesOfVectorsAndTerms) {
    EXPECT_EQ(of_set({0, 2}, Vector{{1, 2, 3}}), (Vector{{1, 3}}));
    SeparableTerm term = term_of(3);
    term.lower[2] = -7;
    EXPECT_EQ(of_set({1, 2}, term).lower[1], -7);
}

}  // namespace
}  // namespace paralogit::optim
