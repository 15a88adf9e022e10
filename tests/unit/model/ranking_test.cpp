#include "paralogit/model/ranking.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "paralogit/model/math.hpp"
#include "support/scored_rows.hpp"

namespace paralogit::model {
namespace {

using test::random_rows;
using test::ScoredRows;

/// All groups of rows, falling, made without the code under test.
std::vector<ScoreGroup> groups_of(const ScoredRows& rows) {
    const std::set<double, std::greater<>> scores(rows.scores.begin(), rows.scores.end());
    std::vector<ScoreGroup> groups;
    for (const double score : scores) {
        ScoreGroup group;
        group.key = score_key(score);
        if (!groups.empty()) {
            groups.back().next_key = group.key;
            group.before = groups.back().after;
        }
        group.after = {static_cast<double>(rows.weight_of(1, score)),
                       static_cast<double>(rows.weight_of(0, score))};
        group.own = {group.after.positives - group.before.positives,
                     group.after.negatives - group.before.negatives};
        groups.push_back(group);
    }
    return groups;
}

/// One part that has all rows.
class WholePart {
  public:
    explicit WholePart(const ScoredRows& rows) {
        for (std::size_t i = 0; i < rows.size(); ++i) {
            (rows.labels[i] == 1 ? positives_ : negatives_).push_back(score_key(rows.scores[i]));
        }
        std::ranges::sort(positives_);
        std::ranges::sort(negatives_);
    }

    RankedPart<RowCounts> part() const {
        RankedPart<RowCounts> part;
        part.positives = positives_;
        part.negatives = negatives_;
        return part;
    }

  private:
    std::vector<std::uint64_t> positives_;
    std::vector<std::uint64_t> negatives_;
};

TEST(RankedParts, GiveEachScoreOnce) {
    for (const int levels : {0, 3, 40}) {
        const ScoredRows rows = random_rows(300, levels, false, 5);
        const WholePart whole(rows);
        std::vector<ScoreGroup> found;

        for_each_group(whole.part(), [&](const ScoreGroup& group) { found.push_back(group); });

        const std::vector<ScoreGroup> expected = groups_of(rows);
        ASSERT_EQ(found.size(), expected.size());
        for (std::size_t k = 0; k < found.size(); ++k) {
            EXPECT_EQ(found[k].key, expected[k].key);
            EXPECT_EQ(found[k].next_key, expected[k].next_key);
            EXPECT_EQ(found[k].own.positives, expected[k].own.positives);
            EXPECT_EQ(found[k].own.negatives, expected[k].own.negatives);
            EXPECT_EQ(found[k].before.both(), expected[k].before.both());
            EXPECT_EQ(found[k].after.both(), expected[k].after.both());
        }
    }
}

TEST(RankedParts, LeaveTheirHighestScoreToAHigherPartAndTakeTheirLowestFromLowerOnes) {
    const std::vector<std::uint64_t> positives{10, 20, 30};
    const std::vector<std::uint64_t> negatives{10, 30, 30};
    RankedPart<RowCounts> part;
    part.positives = positives;
    part.negatives = negatives;
    part.above = {.positives = 100, .negatives = 200};
    part.shares_top = true;
    part.bottom_below = {.positives = 5, .negatives = 6};
    part.next_key = 7;
    std::vector<ScoreGroup> found;

    for_each_group(part, [&](const ScoreGroup& group) { found.push_back(group); });

    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].key, 20U);
    EXPECT_EQ(found[0].before.positives, 101);
    EXPECT_EQ(found[0].before.negatives, 202);
    EXPECT_EQ(found[0].next_key, 10U);
    EXPECT_EQ(found[1].own.positives, 6);
    EXPECT_EQ(found[1].own.negatives, 7);
    EXPECT_EQ(found[1].after.positives, 108);
    EXPECT_EQ(found[1].next_key, 7U);
}

ClassWeightSums all_of(const ScoredRows& rows) {
    return {static_cast<double>(rows.weight_of(1)), static_cast<double>(rows.weight_of(0))};
}

RankAreas areas_of(const ScoredRows& rows) {
    RankAreas areas(all_of(rows));
    for (const ScoreGroup& group : groups_of(rows)) {
        areas.add(group);
    }
    return areas;
}

TEST(RankAreas, AreThoseOfAllPairsOfRows) {
    for (const int levels : {0, 1, 4, 30}) {
        for (const unsigned seed : {1U, 2U, 3U}) {
            const ScoredRows rows = random_rows(150, levels, false, seed);
            const RankAreas areas = areas_of(rows);
            // Counts of so few rows are exact, so the area is the rounded fraction itself.
            EXPECT_EQ(areas.roc_auc(), rows.roc_auc()) << levels << " levels, seed " << seed;
            EXPECT_NEAR(areas.average_precision(), rows.average_precision(), 2e-16);
        }
    }
}

TEST(RankAreas, AreKnownAtTheEnds) {
    const ScoredRows right{.scores = {1, 2, 3, 4}, .labels = {0, 0, 1, 1}, .weights = {}};
    const ScoredRows wrong{.scores = {1, 2, 3, 4}, .labels = {1, 1, 0, 0}, .weights = {}};
    const ScoredRows tied{.scores = {2, 2, 2, 2}, .labels = {1, 0, 1, 0}, .weights = {}};
    EXPECT_EQ(areas_of(right).roc_auc(), 1.0);
    EXPECT_EQ(areas_of(right).average_precision(), 1.0);
    EXPECT_EQ(areas_of(wrong).roc_auc(), 0.0);
    EXPECT_DOUBLE_EQ(areas_of(wrong).average_precision(), (1.0 / 3 + 0.5) / 2);
    EXPECT_EQ(areas_of(tied).roc_auc(), 0.5);
    EXPECT_EQ(areas_of(tied).average_precision(), 0.5);
}

TEST(RankAreas, TakeInfiniteScoresAsTheLargestAndTheSmallest) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const ScoredRows rows{.scores = {infinity, infinity, 5, -infinity, -infinity, 1e308},
                          .labels = {1, 0, 1, 0, 1, 0},
                          .weights = {}};
    EXPECT_EQ(areas_of(rows).roc_auc(), rows.roc_auc());
}

TEST(RankAreas, AreUndefinedForOneClass) {
    const ScoredRows positives{.scores = {1, 2}, .labels = {1, 1}, .weights = {}};
    const ScoredRows negatives{.scores = {1, 2}, .labels = {0, 0}, .weights = {}};
    EXPECT_TRUE(std::isnan(areas_of(positives).roc_auc()));
    EXPECT_EQ(areas_of(positives).average_precision(), 1.0);
    EXPECT_TRUE(std::isnan(areas_of(negatives).roc_auc()));
    EXPECT_TRUE(std::isnan(areas_of(negatives).average_precision()));
}

TEST(RankAreas, DoNotOverflowWhereTenToTheNineteenPairsAreCounted) {
    // As many rows in two groups: the positives are half above, half tied.
    constexpr double rows = 0x1p40;
    RankAreas areas({rows, rows});
    ScoreGroup upper;
    upper.own = upper.after = {rows / 2, 0};
    ScoreGroup lower;
    lower.before = upper.after;
    lower.own = {rows / 2, rows};
    lower.after = {rows, rows};
    areas.add(upper);
    areas.add(lower);
    EXPECT_EQ(areas.roc_auc(), 0.75);
    EXPECT_EQ(areas.average_precision(), 0.5 + 0.25);
}

ThresholdSearch searched(const ScoredRows& rows, double wanted_precision) {
    ThresholdSearch search(all_of(rows), wanted_precision);
    for (const ScoreGroup& group : groups_of(rows)) {
        search.add(group);
    }
    return search;
}

/// Weights of the rows whose probability exceeds the threshold.
ClassWeightSums predicted_by(const ScoredRows& rows, double threshold) {
    ClassWeightSums sums;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (sigmoid(rows.scores[i]) > threshold) {
            (rows.labels[i] == 1 ? sums.positives : sums.negatives) += rows.weight(i);
        }
    }
    return sums;
}

TEST(ThresholdSearches, FindTheBestOfAllThresholds) {
    for (const int levels : {0, 6}) {
        const ScoredRows rows = random_rows(200, levels, false, 9);
        const ClassWeightSums all = all_of(rows);
        const ThresholdSearch found = searched(rows, 0.8);
        double f1 = 0;
        double youden = -1;
        double recall = 0;
        for (const double score : rows.scores) {
            const ClassWeightSums sums = predicted_by(rows, std::nextafter(sigmoid(score), 0.0));
            f1 = std::max(f1, 2 * sums.positives / (sums.both() + all.positives));
            youden =
                std::max(youden, sums.positives / all.positives - sums.negatives / all.negatives);
            if (sums.positives / sums.both() >= 0.8) {
                recall = std::max(recall, sums.positives / all.positives);
            }
        }
        EXPECT_EQ(found.f1.value, f1);
        EXPECT_EQ(found.youden.value, youden);
        EXPECT_EQ(found.precision.value, recall);
        EXPECT_NEAR(found.distance, rows.distance(), 1e-15);
        for (const BestThreshold& best : {found.f1, found.youden, found.precision}) {
            const ClassWeightSums sums = predicted_by(rows, best.probability);
            EXPECT_EQ(sums.positives, best.predicted.positives);
            EXPECT_EQ(sums.negatives, best.predicted.negatives);
        }
    }
}

TEST(ThresholdSearches, DoNotPartRowsWhoseProbabilitiesAreTheSame) {
    // Only between 50 and 60 would the F1 be 1, but both have the probability 1.
    const ScoredRows rows{.scores = {60, 50, 1, 0}, .labels = {1, 0, 0, 0}, .weights = {}};
    const ThresholdSearch found = searched(rows, 0.9);
    EXPECT_EQ(found.f1.predicted.positives, 1);
    EXPECT_EQ(found.f1.predicted.negatives, 1);
    EXPECT_FALSE(found.precision.is_found());
    // The order itself knows better.
    EXPECT_EQ(found.distance, 1.0);
}

TEST(ThresholdSearches, DistanceSeesScoresThatAreUpsideDown) {
    const ScoredRows rows{.scores = {1, 2, 3, 4}, .labels = {1, 1, 0, 0}, .weights = {}};
    EXPECT_EQ(searched(rows, 1).distance, 1.0);
    EXPECT_EQ(searched(rows, 1).youden.value, 0.0);
}

TEST(ThresholdSearches, OfEqualOnesTheHigherScoreWins) {
    BestThreshold best;
    best.offer({0.5, 10, 0.1, {}});
    best.offer({0.5, 20, 0.2, {}});
    best.offer({0.5, 15, 0.15, {}});
    best.offer({0.4, 30, 0.3, {}});
    EXPECT_EQ(best.key, 20U);
    EXPECT_EQ(best.probability, 0.2);
}

TEST(CurvePoints, AreAllWhereTheyAreFew) {
    const ScoredRows rows = random_rows(100, 0, false, 4);
    CurvePoints points(all_of(rows), 100);
    for (const ScoreGroup& group : groups_of(rows)) {
        points.add(group);
    }
    EXPECT_EQ(points.groups(), 100);
    ASSERT_EQ(points.all_points().size(), 100U);
    EXPECT_EQ(points.all_points().back().predicted.both(), 100);
}

TEST(CurvePoints, LeaveNoGapWiderThanTheGridWhereTheyAreMany) {
    constexpr Index most = 100;
    const ScoredRows rows = random_rows(3000, 0, false, 4);
    const ClassWeightSums all = all_of(rows);
    CurvePoints points(all, most);
    for (const ScoreGroup& group : groups_of(rows)) {
        points.add(group);
    }
    EXPECT_EQ(points.groups(), 3000);
    EXPECT_LE(std::ssize(points.grid_points()), most);
    ClassWeightSums last;
    for (const CurvePoint& point : points.grid_points()) {
        const double step = 2.0 / most + 0.002;
        EXPECT_LE((point.predicted.positives - last.positives) / all.positives, step);
        EXPECT_LE((point.predicted.negatives - last.negatives) / all.negatives, step);
        last = point.predicted;
    }
    EXPECT_EQ(last.both(), 3000);
}

TEST(Gains, CountThePositivesAmongTheHighestRows) {
    const ScoredRows rows{
        .scores = {8, 7, 6, 5, 4, 3, 2, 1}, .labels = {1, 1, 0, 1, 0, 0, 1, 0}, .weights = {}};
    Gains gains(all_of(rows), 4);
    for (const ScoreGroup& group : groups_of(rows)) {
        gains.add(group);
    }
    EXPECT_EQ(gains.captured(), (std::vector<double>{2, 3, 3, 4}));
}

TEST(Gains, TakeTiedRowsEvenly) {
    // The second half of four rows that tie at the border, of which three are positive.
    const ScoredRows rows{
        .scores = {9, 5, 5, 5, 5, 1}, .labels = {1, 1, 1, 1, 0, 0}, .weights = {}};
    Gains gains(all_of(rows), 2);
    for (const ScoreGroup& group : groups_of(rows)) {
        gains.add(group);
    }
    EXPECT_EQ(gains.captured(), (std::vector<double>{1 + 3 * 0.5, 4}));
}

TEST(Gains, OfPartsOfTheOrderAddUpToThoseOfTheWhole) {
    const ScoredRows rows = random_rows(500, 20, true, 6);
    const std::vector<ScoreGroup> groups = groups_of(rows);
    Gains whole(all_of(rows), 10);
    Gains upper(all_of(rows), 10);
    Gains lower(all_of(rows), 10);
    for (std::size_t k = 0; k < groups.size(); ++k) {
        whole.add(groups[k]);
        (k < groups.size() / 3 ? upper : lower).add(groups[k]);
    }
    for (std::size_t k = 0; k < 10; ++k) {
        EXPECT_EQ(upper.captured()[k] + lower.captured()[k], whole.captured()[k]);
    }
}

}  // namespace
}  // namespace paralogit::model
