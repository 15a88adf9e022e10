#include "paralogit/model/penalty.hpp"

#include <gtest/gtest.h>

namespace paralogit::model {
namespace {

TEST(Penalty, IsHalfTheStrengthTimesTheSquares) {
    const Vector coefficients{{3, -4, 0}};
    EXPECT_EQ(Penalty(0.5).value(coefficients), 6.25);
}

TEST(Penalty, AddsTheStrengthTimesTheCoefficientsToTheGradient) {
    const Vector coefficients{{3, -4, 0}};
    Vector gradient{{1, 1, 1}};
    Penalty(0.5).add_gradient(coefficients, gradient);
    EXPECT_EQ(gradient, (Vector{{2.5, -1, 1}}));
}

TEST(Penalty, OfStrengthZeroIsZeroEvenWhereTheSquaresOverflow) {
    const Vector coefficients{{1e200, -1e200}};
    Vector gradient{{7, 8}};
    Penalty(0).add_gradient(coefficients, gradient);
    EXPECT_EQ(Penalty(0).value(coefficients), 0.0);
    EXPECT_EQ(gradient, (Vector{{7, 8}}));
}

TEST(Penalty, AddsTheSquaresInTheOrderOfTheFeatures) {
    // From the left, each 1 is lost beside 2^53; any other order of additions gives more.
    Vector coefficients = Vector::Ones(9);
    coefficients[0] = 0x1p27;
    EXPECT_EQ(Penalty(2).value(coefficients), 0x1p54);
}

TEST(Penalty, OfNoCoefficientsIsZero) {
    EXPECT_EQ(Penalty(1).value(Vector()), 0.0);
}

}  // namespace
}  // namespace paralogit::model
