#include "paralogit/optim/separable_term.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace paralogit::optim {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

SeparableTerm one(double l1, double lower = -infinity, double upper = infinity) {
    return {.l1 = Vector::Constant(1, l1),
            .lower = Vector::Constant(1, lower),
            .upper = Vector::Constant(1, upper)};
}

TEST(SeparableTerm, HasTheProximalPointThatNoOtherPointBeats) {
    const double curvature = 2.5;
    for (const SeparableTerm& term :
         {one(0.5), one(0), one(3, -1, 0.25), one(0.5, 0.5, 2), one(0.5, -3, -0.5)}) {
        for (double p = -3; p <= 3; p += 0.21) {
            const auto value_at = [&](double x) {
                return curvature / 2 * (x - p) * (x - p) + term.l1[0] * std::abs(x);
            };
            const double x = term.proximal(0, p, curvature);
            ASSERT_GE(x, term.lower[0]);
            ASSERT_LE(x, term.upper[0]);
            for (double other = -4; other <= 4; other += 0.01) {
                if (other >= term.lower[0] && other <= term.upper[0]) {
                    ASSERT_LE(value_at(x), value_at(other) + 1e-12) << p << " " << other;
                }
            }
        }
    }
}

TEST(SeparableTerm, HasAProximalPointOfExactlyZero) {
    EXPECT_EQ(one(1).proximal(0, 0.49, 2), 0);
    EXPECT_EQ(one(1).proximal(0, -0.5, 2), 0);
    EXPECT_EQ(one(1).proximal(0, 0.75, 2), 0.25);
    EXPECT_EQ(one(1).proximal(0, -0.75, 2), -0.25);
}

TEST(SeparableTerm, HasALeastSubgradientThatPointsDownhill) {
    // Away from 0 the slope of the whole; at 0 what is left of it beyond the l1 penalty.
    EXPECT_EQ(one(1).least_subgradient(0, 2, 0.25), 1.25);
    EXPECT_EQ(one(1).least_subgradient(0, -2, 0.25), -0.75);
    EXPECT_EQ(one(1).least_subgradient(0, 0, 0.25), 0);
    EXPECT_EQ(one(1).least_subgradient(0, 0, 1), 0);
    EXPECT_EQ(one(1).least_subgradient(0, 0, 3), 2);
    EXPECT_EQ(one(1).least_subgradient(0, 0, -3), -2);
    EXPECT_TRUE(std::isnan(one(1).least_subgradient(0, 0, std::nan(""))));
}

TEST(SeparableTerm, LetsNothingLeadOverABound) {
    EXPECT_EQ(one(0, -1, 1).least_subgradient(0, 1, -5), 0);
    EXPECT_EQ(one(0, -1, 1).least_subgradient(0, 1, 5), 5);
    EXPECT_EQ(one(0, -1, 1).least_subgradient(0, -1, 5), 0);
    EXPECT_EQ(one(0, -1, 1).least_subgradient(0, -1, -5), -5);
    EXPECT_EQ(one(1, 0, 1).least_subgradient(0, 0, 5), 0);
    EXPECT_EQ(one(1, 0, 1).least_subgradient(0, 0, -5), -4);
}

TEST(SeparableTerm, SumsThePenaltiesAndBringsPointsWithinTheBounds) {
    const SeparableTerm term{.l1 = Vector{{1, 0, 2}},
                             .lower = Vector{{-1, -infinity, 0}},
                             .upper = Vector{{1, 5, infinity}}};
    EXPECT_EQ(term.value(Vector{{-3, 100, 0.5}}), 4);
    EXPECT_EQ(term.within_bounds(Vector{{-3, 100, -0.5}}), (Vector{{-1, 5, 0}}));
}

TEST(SeparableTerm, ThatIsZeroLeavesTheGradient) {
    const Vector gradient{{1, -2}};
    EXPECT_TRUE(SeparableTerm{}.is_zero());
    EXPECT_EQ(SeparableTerm{}.least_subgradient(Vector::Zero(2), gradient), gradient);
    EXPECT_EQ(SeparableTerm{}.within_bounds(gradient), gradient);
}

TEST(Nonzeros, AreCountedAmongTheFeatures) {
    EXPECT_EQ(nonzeros(Vector{{0, 1, -0.0, 1e-300, 5}}, 4), 2);
}

}  // namespace
}  // namespace paralogit::optim
