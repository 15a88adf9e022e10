#include "paralogit/model/penalty.hpp"

#include <gtest/gtest.h>

#include <cmath>

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

TEST(Penalty, AddsTheSizesTimesTheirStrength) {
    const Vector coefficients{{3, -4, 0}};
    EXPECT_EQ(Penalty(0, 0.5).value(coefficients), 3.5);
    EXPECT_EQ(Penalty(0.5, 0.25).value(coefficients), 8);
    Vector gradient{{1, 1, 1}};
    Penalty(0, 0.5).add_gradient(coefficients, gradient);
    EXPECT_EQ(gradient, (Vector{{1, 1, 1}})) << "the sizes are not smooth";
}

TEST(Penalty, HasStrengthsOfItsOwnForEachFeature) {
    const Penalty penalty(0.5, 2, Vector{{2, 0, 1}}, Vector{{0, 1, 4}});
    const Vector coefficients{{3, -1e200, 0.25}};
    Vector gradient = Vector::Zero(3);
    penalty.add_gradient(coefficients, gradient);
    EXPECT_EQ(gradient, (Vector{{3, 0, 0.125}}));
    EXPECT_EQ(penalty.value(Vector{{3, -4, 0.25}}), 0.25 * (2 * 9 + 0.0625) + 2 * (4 + 4 * 0.25));
    EXPECT_EQ(penalty.l1_of(2), 8);
    EXPECT_EQ(penalty.l2_of(0), 1);
    EXPECT_TRUE(std::isfinite(penalty.value(coefficients)));
}

TEST(Penalty, OfNoCoefficientsIsZero) {
    EXPECT_EQ(Penalty(1).value(Vector()), 0.0);
}

}  // namespace
}  // namespace paralogit::model
