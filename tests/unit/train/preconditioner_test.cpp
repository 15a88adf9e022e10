#include "../../../src/train/objective/preconditioner.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace paralogit::train {
namespace {

const auto two_each = [](Index) { return 2.0; };
const auto none = [](Index) { return 0.0; };

TEST(Preconditioner, CountsThePenaltyOnceMoreForEachFeatureThatTheDataDetermines) {
    // Of these the loss determines 1/2, 3/4 and nothing; for each of five rows 1/4.
    Vector diagonal{{2.0, 6.0, 0.0}};

    ASSERT_TRUE(make_preconditioner(diagonal, 3, 5, two_each));

    const double least = 0.01 * (2 + 6) / 3;
    EXPECT_DOUBLE_EQ(diagonal[0], 2 + least + 2 * 1.25);
    EXPECT_DOUBLE_EQ(diagonal[1], 6 + least + 2 * 1.25);
    EXPECT_DOUBLE_EQ(diagonal[2], least + 2 * 1.25);
}

TEST(Preconditioner, AddsAHundredthOfTheMeanWithoutAPenalty) {
    Vector diagonal{{1.0, 0.0, 5.0}};

    ASSERT_TRUE(make_preconditioner(diagonal, 3, 1, none));

    EXPECT_EQ(diagonal, (Vector{{1.0 + 0.02, 0.02, 5.0 + 0.02}}));
}

TEST(Preconditioner, LeavesAnInterceptWithoutPenalty) {
    Vector diagonal{{1.0, 3.0, 0.25}};
    Vector without_curvature{{1.0, 3.0, 0.0}};

    ASSERT_TRUE(make_preconditioner(diagonal, 2, 100, two_each));
    ASSERT_TRUE(make_preconditioner(without_curvature, 2, 100, two_each));

    EXPECT_EQ(diagonal[2], 0.25);
    EXPECT_EQ(without_curvature[2], 0.02);
}

TEST(Preconditioner, IsOfNoUseWithoutCurvatureOrWithoutNumbers) {
    Vector nothing = Vector::Zero(2);
    Vector not_a_number{{1.0, std::numeric_limits<double>::quiet_NaN()}};
    Vector infinite{{1.0, std::numeric_limits<double>::infinity()}};

    EXPECT_FALSE(make_preconditioner(nothing, 2, 1, two_each));
    EXPECT_FALSE(make_preconditioner(not_a_number, 2, 1, two_each));
    EXPECT_FALSE(make_preconditioner(infinite, 2, 1, two_each));
}

}  // namespace
}  // namespace paralogit::train
