#include "../../../src/optim/box_lasso.hpp"

#include <gtest/gtest.h>

#include <random>

#include "composite_problems.hpp"

namespace paralogit::optim {
namespace {

using test_problems::failure;
using test_problems::no_bound;

/// rows^-1 A'A of normal A [rows x size].
Matrix second_moments(Index size, Index rows, std::uint64_t seed) {
    std::mt19937_64 engine(seed);
    std::normal_distribution<double> normal;
    const Matrix a = Matrix::NullaryExpr(rows, size, [&] { return normal(engine); });
    return a.transpose() * a / static_cast<double>(rows);
}

Vector normal_vector(Index size, std::uint64_t seed) {
    std::mt19937_64 engine(seed);
    std::normal_distribution<double> normal;
    return Vector::NullaryExpr(size, [&] { return normal(engine); });
}

SeparableTerm term_of(Index size, double l1, double lower = -no_bound, double upper = no_bound) {
    return {.l1 = Vector::Constant(size, l1),
            .lower = Vector::Constant(size, lower),
            .upper = Vector::Constant(size, upper)};
}

double failure_of(const BoxLasso& problem, const Vector& x) {
    return failure(x, problem.gradient + problem.hessian * (x - problem.start), problem.term);
}

double value_of(const BoxLasso& problem, const Vector& x) {
    const Vector step = x - problem.start;
    return problem.gradient.dot(step) + step.dot(problem.hessian * step) / 2 +
           problem.term.l1.dot(x.cwiseAbs());
}

TEST(BoxLasso, IsSolvedToTheConditionsOfAnOptimum) {
    constexpr Index size = 30;
    const Matrix hessian = second_moments(size, 60, 1);
    const Vector gradient = normal_vector(size, 2);
    const Vector start = Vector::Zero(size);
    for (const SeparableTerm& term :
         {term_of(size, 0), term_of(size, 0.3), term_of(size, 2), term_of(size, 0.3, 0),
          term_of(size, 0, -0.1, 0.2), term_of(size, 0.3, -0.1, 0.2)}) {
        const BoxLasso problem{
            .hessian = hessian, .gradient = gradient, .start = start, .term = term};
        EXPECT_LE(failure_of(problem, solve(problem, 1e-12)), 1e-11);
    }
}

TEST(BoxLasso, OfColumnsThatAreNearlyAlikeIsSolvedToo) {
    // 40 rows and 30 variables, each nearly the sum of all before it: plain coordinate descent
    // would take some hundred thousand sweeps.
    constexpr Index size = 30;
    std::mt19937_64 engine(3);
    std::normal_distribution<double> normal;
    Matrix a(40, size);
    for (Index j = 0; j < size; ++j) {
        for (Index i = 0; i < a.rows(); ++i) {
            a(i, j) = (j > 0 ? a(i, j - 1) : 0.0) + (j > 0 ? 1e-3 : 1.0) * normal(engine);
        }
    }
    const Matrix hessian = a.transpose() * a / 40;
    const Vector gradient = hessian * normal_vector(size, 4);
    const Vector start = Vector::Zero(size);
    for (const double l1 : {0.0, 1e-7, 1e-4, 1e-2}) {
        const SeparableTerm term = term_of(size, l1, -2, 2);
        const BoxLasso problem{
            .hessian = hessian, .gradient = gradient, .start = start, .term = term};
        EXPECT_LE(failure_of(problem, solve(problem, 1e-10)), 2e-10) << l1;
    }
}

TEST(BoxLasso, NeverEndsAboveItsStart) {
    constexpr Index size = 20;
    const Matrix hessian = second_moments(size, 10, 5);  // singular
    const Vector gradient = hessian * normal_vector(size, 6);
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const SeparableTerm term = term_of(size, 0.05, -0.5, 1);
        const Vector start = term.within_bounds(normal_vector(size, seed));
        const BoxLasso problem{
            .hessian = hessian, .gradient = gradient, .start = start, .term = term};
        for (const double tolerance : {1.0, 1e-2, 1e-8}) {
            EXPECT_LE(value_of(problem, solve(problem, tolerance)), value_of(problem, start));
        }
    }
}

TEST(BoxLasso, LeavesAStartThatIsOptimalAlone) {
    const Matrix hessian = Matrix::Identity(2, 2);
    const Vector gradient{{0.5, -0.5}};
    const Vector start = Vector::Zero(2);
    const SeparableTerm term = term_of(2, 0.5);
    EXPECT_EQ(solve({.hessian = hessian, .gradient = gradient, .start = start, .term = term}, 0),
              start);
}

}  // namespace
}  // namespace paralogit::optim
