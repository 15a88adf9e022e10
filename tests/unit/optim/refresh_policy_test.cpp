#include "../../../src/optim/refresh_policy.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace paralogit::optim {
namespace {

constexpr HessianCosts cheap{.rows = 1 << 20, .dimension = 64, .hessian_cost = 0.01};
constexpr HessianCosts dear{.rows = 1 << 20, .dimension = 64, .hessian_cost = 1e6};
constexpr ThinningRange all{.least = 1, .most = 64};

TEST(RoughLog2, IsExactAtPowersOfTwoAndNearBetween) {
    for (int e = -300; e <= 300; ++e) {
        EXPECT_EQ(rough_log2(std::ldexp(1.0, e)), e);
    }
    for (double x = 1e-12; x < 1e12; x *= 1.37) {
        EXPECT_NEAR(rough_log2(x), std::log2(x), 0.0861);
    }
}

TEST(FirstThinning, LeavesSixteenRowsForEachVariableAndFourThousand) {
    const auto thinning = [](Index rows, Index dimension, Index most) {
        return first_thinning({.rows = rows, .dimension = dimension, .hessian_cost = 1}, most);
    };
    EXPECT_EQ(thinning(0, 5, 64), 1);
    EXPECT_EQ(thinning(7999, 5, 64), 1);
    EXPECT_EQ(thinning(8000, 5, 64), 2);
    EXPECT_EQ(thinning(1 << 20, 1024, 64), 64);
    EXPECT_EQ(thinning(1 << 20, 1025, 64), 32);
    EXPECT_EQ(thinning(Index{1} << 40, 10, 64), 64);
}

TEST(SamplingContraction, VanishesForAllRowsAndGrowsWithTheThinning) {
    EXPECT_EQ(sampling_contraction(cheap, 1), 0);
    EXPECT_NEAR(sampling_contraction(cheap, 17), std::sqrt(64.0 * 16 / (1 << 20)), 1e-15);
    HessianCosts noisy = cheap;
    noisy.excess_noise = 3;
    EXPECT_NEAR(sampling_contraction(noisy, 17), 3 * sampling_contraction(cheap, 17), 1e-15);
}

TEST(ChooseHessian, TakesANewOneWheneverItIsNearlyFree) {
    const Outlook far{.contraction = 0.6, .newton_contraction = 0.2};

    EXPECT_TRUE(choose_hessian(cheap, far, 28, all).is_new);
}

TEST(ChooseHessian, NeverTakesANewOneThatCostsMoreThanItSaves) {
    const Outlook slow{.contraction = 0.95, .newton_contraction = 1e-3};

    EXPECT_FALSE(choose_hessian(dear, slow, 28, all).is_new);
}

TEST(ChooseHessian, KeepsTheOneThatWillDo) {
    const Outlook nearly_there{.contraction = 0.1, .newton_contraction = 1e-4};

    EXPECT_FALSE(
        choose_hessian({.rows = 1 << 20, .dimension = 64, .hessian_cost = 4}, nearly_there, 3, all)
            .is_new);
}

TEST(ChooseHessian, TakesMoreRowsTheNearerTheOptimumIs) {
    const HessianCosts costs{.rows = 40000, .dimension = 64, .hessian_cost = 2};

    const HessianChoice far =
        choose_hessian(costs, {.contraction = 0.8, .newton_contraction = 0.4}, 28, all);
    const HessianChoice near =
        choose_hessian(costs, {.contraction = 0.8, .newton_contraction = 1e-3}, 20, all);

    EXPECT_TRUE(far.is_new);
    EXPECT_TRUE(near.is_new);
    EXPECT_LT(near.thinning, far.thinning);
}

TEST(ChooseHessian, StaysInTheRange) {
    const Outlook far{.contraction = 0.8, .newton_contraction = 1e-6};
    for (Index thinning = 1; thinning <= 64; thinning *= 2) {
        const HessianChoice choice =
            choose_hessian(cheap, far, 28, {.least = thinning, .most = thinning});
        EXPECT_TRUE(choice.is_new);
        EXPECT_EQ(choice.thinning, thinning);
    }
}

TEST(OutlookAfterNew, SquaresAndDoublesUnlessTheRowsWereTooFew) {
    const Outlook nonlinear = outlook_after_new(0.1, 1, 0.01);
    EXPECT_NEAR(nonlinear.contraction, 0.2, 1e-15);
    EXPECT_NEAR(nonlinear.newton_contraction, 0.02, 1e-15);

    const Outlook noisy = outlook_after_new(0.1, 0.001, 0.09);
    EXPECT_NEAR(noisy.contraction, 0.1, 1e-15);
    EXPECT_NEAR(noisy.newton_contraction, 0.0001, 1e-15);
}

}  // namespace
}  // namespace paralogit::optim
