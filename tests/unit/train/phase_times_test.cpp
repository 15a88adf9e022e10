#include "paralogit/train/phase_times.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace paralogit::train {
namespace {

std::vector<RankTimes> ranks_that_computed(const std::vector<double>& seconds, double train) {
    std::vector<RankTimes> ranks;
    for (const double each : seconds) {
        ranks.push_back({.host = "host" + std::to_string(ranks.size()),
                         .seconds = {.train = train, .compute = each}});
    }
    return ranks;
}

TEST(SpreadOfAPhase, IsThatOfTheRanks) {
    const auto ranks = ranks_that_computed({3, 1, 9, 4}, 10);

    const Spread spread = spread_of(ranks, &PhaseSeconds::compute);

    EXPECT_EQ(spread.smallest, 1);
    EXPECT_EQ(spread.median, 3.5);
    EXPECT_EQ(spread.largest, 9);
    EXPECT_EQ(spread.slowest_rank, 2);
    EXPECT_EQ(spread_of(ranks_that_computed({5, 1, 9}, 10), &PhaseSeconds::compute).median, 5);
}

TEST(LargestSeconds, AreTakenPhaseByPhase) {
    std::vector<RankTimes> ranks(2);
    ranks[0].seconds = {.startup = 1, .load = 5, .kernel = 2};
    ranks[1].seconds = {.startup = 3, .load = 4, .total = 7};

    const PhaseSeconds largest = largest_of(ranks);

    EXPECT_EQ(largest.startup, 3);
    EXPECT_EQ(largest.load, 5);
    EXPECT_EQ(largest.kernel, 2);
    EXPECT_EQ(largest.total, 7);
}

TEST(Imbalance, NamesTheSlowestRankAgainstTheMedianOfTheOthers) {
    const auto found = find_imbalance(ranks_that_computed({10, 10.5, 14, 9}, 15));

    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->rank, 2);
    EXPECT_EQ(found->seconds, 14);
    EXPECT_EQ(found->usual_seconds, 10);
    EXPECT_DOUBLE_EQ(found->share_of_train, 4.0 / 15);
}

TEST(Imbalance, IsNoneWhenNobodyWaitedForLong) {
    // Of one rank; of less than a twentieth of the training; of less than a tenth of a second.
    EXPECT_FALSE(find_imbalance(ranks_that_computed({10}, 10)));
    EXPECT_FALSE(find_imbalance(ranks_that_computed({10, 10.4}, 10)));
    EXPECT_TRUE(find_imbalance(ranks_that_computed({10, 10.6}, 10)));
    EXPECT_FALSE(find_imbalance(ranks_that_computed({0.01, 0.1}, 0.1)));
}

}  // namespace
}  // namespace paralogit::train
