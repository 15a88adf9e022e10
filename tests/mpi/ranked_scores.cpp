#include "paralogit/train/ranked_scores.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "paralogit/base/threads.hpp"
#include "paralogit/train/rank_metrics.hpp"
#include "support/scored_rows.hpp"

namespace paralogit::train {
namespace {

using test::random_rows;
using test::ScoredRows;

/// How rows come to the ranks.
enum class Deal { in_parts, all_on_last_rank, in_turn };

class RankedOverRanks : public testing::Test {
  protected:
    /// The rows of this rank, added in blocks.
    void collect(ScoreCollector& collector, const ScoredRows& rows, Deal deal) const {
        std::vector<double> scores;
        std::vector<std::uint8_t> labels;
        std::vector<double> weights;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (owner_of(static_cast<Index>(i), std::ssize(rows.scores), deal) != comm_.rank()) {
                continue;
            }
            scores.push_back(rows.scores[i]);
            labels.push_back(rows.labels[i]);
            weights.push_back(rows.weight(i));
        }
        constexpr std::size_t block = 17;
        for (std::size_t first = 0; first < scores.size(); first += block) {
            const std::size_t count = std::min(block, scores.size() - first);
            collector.add(std::span(scores).subspan(first, count),
                          std::span<const std::uint8_t>(labels).subspan(first, count),
                          rows.weights.empty() ? std::span<const double>()
                                               : std::span(weights).subspan(first, count));
        }
    }

    RankedScores ranked(const ScoredRows& rows, Deal deal = Deal::in_parts, int threads = 1) const {
        ScoreCollector collector(std::ssize(rows.scores),
                                 {.has_weights = !rows.weights.empty(), .is_soft = false});
        collect(collector, rows, deal);
        return {comm_, std::move(collector), threads};
    }

    int owner_of(Index row, Index rows, Deal deal) const {
        switch (deal) {
            case Deal::all_on_last_rank:
                return comm_.size() - 1;
            case Deal::in_turn:
                return static_cast<int>(row % comm_.size());
            default:
                for (int rank = 0;; ++rank) {
                    if (row < part_of({.first = 0, .end = rows}, rank, comm_.size()).end) {
                        return rank;
                    }
                }
        }
    }

    comm::Communicator comm_ = comm::Communicator::world();
};

TEST_F(RankedOverRanks, EveryScoreIsOnOneRankWithTheSumsOfAllRows) {
    for (const int levels : {0, 1, 2, 9, 60}) {
        for (const Deal deal : {Deal::in_parts, Deal::all_on_last_rank, Deal::in_turn}) {
            const ScoredRows rows = random_rows(203, levels, false, 3);
            const RankedScores scores = ranked(rows, deal);

            Index own_groups = 0;
            scores.for_each_group([&](const model::ScoreGroup& group) {
                ++own_groups;
                const double positives = static_cast<double>(rows.weight_of(1, group.score()));
                const double negatives = static_cast<double>(rows.weight_of(0, group.score()));
                EXPECT_EQ(group.after.positives, positives);
                EXPECT_EQ(group.after.negatives, negatives);
                EXPECT_EQ(group.before.positives + group.own.positives, positives);
                double next = -ScoredRows::infinity;
                for (const double score : rows.scores) {
                    next = score < group.score() ? std::max(next, score) : next;
                }
                EXPECT_EQ(group.next_key.has_value(), std::isfinite(next));
                if (group.next_key) {
                    EXPECT_EQ(model::score_of_key(*group.next_key), next);
                }
            });

            const std::map<double, int> distinct = [&] {
                std::map<double, int> counts;
                for (const double score : rows.scores) {
                    ++counts[score];
                }
                return counts;
            }();
            EXPECT_EQ(comm_.sum(own_groups), std::ssize(distinct)) << levels << " levels";
            EXPECT_EQ(scores.all().both(), 203);
        }
    }
}

TEST_F(RankedOverRanks, TheAreasAreThoseOfAllPairsOfRows) {
    for (const bool has_weights : {false, true}) {
        for (const int levels : {0, 5}) {
            const ScoredRows rows = random_rows(151, levels, has_weights, 8);
            for (const Deal deal : {Deal::in_parts, Deal::all_on_last_rank, Deal::in_turn}) {
                const RankMetrics metrics = rank_metrics(comm_, ranked(rows, deal), {});
                EXPECT_NEAR(metrics.roc_auc, rows.roc_auc(), 3e-16);
                EXPECT_NEAR(metrics.average_precision, rows.average_precision(), 3e-16);
                EXPECT_NEAR(metrics.kolmogorov_smirnov, rows.distance(), 1e-15);
            }
        }
    }
}

/// The bits of all numbers.
std::string bits_of(const RankMetrics& metrics) {
    std::vector<double> numbers{metrics.roc_auc,
                                metrics.average_precision,
                                metrics.kolmogorov_smirnov,
                                metrics.best_f1.value,
                                metrics.best_f1.probability,
                                metrics.best_youden.value,
                                metrics.best_youden.probability,
                                metrics.threshold,
                                metrics.confusion.true_positives,
                                metrics.confusion.false_positives,
                                metrics.confusion.true_negatives,
                                metrics.confusion.false_negatives,
                                metrics.expected_calibration_error,
                                static_cast<double>(metrics.distinct_scores)};
    for (const auto& bins : {metrics.equal_width, metrics.equal_weight}) {
        for (const model::CalibrationBin& bin : bins) {
            numbers.insert(numbers.end(), {bin.weight, bin.mean_probability, bin.positive_rate});
        }
    }
    for (const Gain& gain : metrics.gains) {
        numbers.insert(numbers.end(), {gain.rows, gain.positives, gain.lift});
    }
    for (const model::CurvePoint& point : metrics.curve) {
        numbers.insert(numbers.end(), {model::score_of_key(point.key), point.predicted.positives,
                                       point.predicted.negatives});
    }
    const auto bytes = std::as_bytes(std::span(numbers));
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST_F(RankedOverRanks, NoBitDependsOnRanksThreadsAndWhoHadWhichRows) {
    // Fewer rows than points of a curve, and more.
    for (const std::size_t count : {std::size_t{500}, std::size_t{25'000}}) {
        for (const bool has_weights : {false, true}) {
            for (const int levels : {0, 40}) {
                const ScoredRows rows = random_rows(count, levels, has_weights, 12);
                const std::string alone =
                    bits_of(rank_metrics(comm_, ranked(rows, Deal::all_on_last_rank), {}));
                for (const int threads : {1, 2}) {
                    for (const Deal deal : {Deal::in_parts, Deal::in_turn}) {
                        const RankMetrics metrics =
                            rank_metrics(comm_, ranked(rows, deal, threads), {});
                        EXPECT_TRUE(bits_of(metrics) == alone) << count << " rows";
                    }
                }
            }
        }
    }
}

TEST_F(RankedOverRanks, AnyRankKnowsTheSame) {
    const ScoredRows rows = random_rows(300, 0, true, 2);
    const std::string own = bits_of(rank_metrics(comm_, ranked(rows), {}));
    for (const std::string& other : comm_.all_gather(own)) {
        EXPECT_TRUE(other == own);
    }
}

TEST_F(RankedOverRanks, TheCurveFallsFromTheHighestScoreToTheLowest) {
    const RankMetrics metrics = rank_metrics(comm_, ranked(random_rows(300, 0, false, 2)), {});
    ASSERT_EQ(metrics.curve.size(), 300U);
    for (std::size_t k = 1; k < metrics.curve.size(); ++k) {
        EXPECT_GT(metrics.curve[k - 1].key, metrics.curve[k].key);
        EXPECT_EQ(metrics.curve[k].predicted.both(), static_cast<double>(k + 1));
    }
}

TEST_F(RankedOverRanks, PartsHaveTheSameNumberOfRowsHoweverManyTie) {
    for (const int levels : {0, 1, 3}) {
        const ScoredRows rows = random_rows(100, levels, false, 3);
        ScoreCollector collector(100, {});
        collect(collector, rows, Deal::all_on_last_rank);
        const RankedScores scores(comm_, std::move(collector), 1);

        const Range part = part_of({.first = 0, .end = 100}, comm_.rank(), comm_.size());
        EXPECT_EQ(scores.part_rows(), part.size()) << levels << " levels";
    }
}

TEST_F(RankedOverRanks, FewerRowsThanRanksLeaveSomeWithoutAny) {
    const ScoredRows rows{.scores = {1, 3, 2}, .labels = {0, 1, 1}, .weights = {}};
    const RankMetrics metrics = rank_metrics(comm_, ranked(rows), {});
    EXPECT_EQ(metrics.roc_auc, 1.0);
    EXPECT_EQ(metrics.distinct_scores, 3);
}

TEST_F(RankedOverRanks, ASoftLabelIsAPartOfEitherClass) {
    ScoreCollector soft(6, {.has_weights = true, .is_soft = true});
    ScoreCollector hard(6, {.has_weights = true, .is_soft = false});
    if (comm_.is_root()) {
        const std::vector<double> scores{2, 1, 0};
        const std::vector<double> labels{1, 0.25, 0};
        const std::vector<double> weights{1, 8, 3};
        soft.add(scores, std::span(labels), weights);
        const std::vector<double> four_scores{2, 1, 1, 0};
        const std::vector<std::uint8_t> four_labels{1, 1, 0, 0};
        const std::vector<double> four_weights{1, 2, 6, 3};
        hard.add(four_scores, std::span(four_labels), four_weights);
    }
    const RankMetrics of_soft = rank_metrics(comm_, RankedScores(comm_, std::move(soft), 1), {});
    const RankMetrics of_hard = rank_metrics(comm_, RankedScores(comm_, std::move(hard), 1), {});
    EXPECT_TRUE(bits_of(of_soft) == bits_of(of_hard));
    EXPECT_EQ(of_soft.confusion.true_positives, 3);  // 1, and a quarter of 8
    EXPECT_EQ(of_soft.confusion.false_positives, 6);
    EXPECT_EQ(of_soft.confusion.true_negatives, 3);  // the margin 0 is no more than one half
}

TEST_F(RankedOverRanks, WeightsOfAnyMagnitudeGiveTheSame) {
    const ScoredRows rows = random_rows(200, 0, true, 21);
    const RankMetrics plain = rank_metrics(comm_, ranked(rows), {});
    for (const int exponent : {-900, 900}) {
        ScoredRows scaled = rows;
        for (double& weight : scaled.weights) {
            weight = std::ldexp(weight, exponent);
        }
        const RankMetrics metrics = rank_metrics(comm_, ranked(scaled), {});
        EXPECT_EQ(metrics.roc_auc, plain.roc_auc);
        EXPECT_EQ(metrics.average_precision, plain.average_precision);
        EXPECT_EQ(metrics.confusion.true_positives,
                  std::ldexp(plain.confusion.true_positives, exponent));
        EXPECT_EQ(metrics.equal_width[3].weight, std::ldexp(plain.equal_width[3].weight, exponent));
    }
}

TEST_F(RankedOverRanks, AClassOfTinyWeightsKeepsItsDigits) {
    ScoredRows rows = random_rows(150, 0, true, 5);
    const double plain = rows.roc_auc();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        rows.weights[i] *= rows.labels[i] == 1 ? 0x1p-300 : 1.0;
    }
    EXPECT_NEAR(rank_metrics(comm_, ranked(rows), {}).roc_auc, plain, 3e-16);
}

TEST_F(RankedOverRanks, ARuleGivesAThresholdOrSaysWhyThereIsNone) {
    using Kind = ThresholdRule::Kind;
    const ScoredRows rows{.scores = {3, 2, 1, -1, -2}, .labels = {1, 0, 1, 1, 0}, .weights = {}};
    const ScoredRows negatives{.scores = {3, 2}, .labels = {0, 0}, .weights = {}};
    const auto metrics_by = [&](const ScoredRows& which, Kind kind, double value) {
        return rank_metrics(comm_, ranked(which), {.kind = kind, .value = value});
    };
    EXPECT_EQ(metrics_by(rows, Kind::f1, 0).confusion.true_positives, 3);
    EXPECT_EQ(metrics_by(rows, Kind::f1, 0).confusion.false_positives, 1);
    EXPECT_EQ(metrics_by(rows, Kind::youden, 0).confusion.true_positives, 3);
    EXPECT_EQ(metrics_by(rows, Kind::precision, 0.9).confusion.true_positives, 1);
    EXPECT_EQ(metrics_by(rows, Kind::precision, 0.7).confusion.true_positives, 3);
    EXPECT_EQ(metrics_by(rows, Kind::value, 0.8).threshold, 0.8);

    EXPECT_THROW(metrics_by(negatives, Kind::f1, 0), Error);
    EXPECT_THROW(metrics_by(negatives, Kind::youden, 0), Error);
    EXPECT_THROW(metrics_by(negatives, Kind::precision, 0.5), Error);
    EXPECT_TRUE(std::isnan(metrics_by(negatives, Kind::value, 0.5).roc_auc));
}

TEST_F(RankedOverRanks, MoreScoresThanRoomIsAnError) {
    ScoreCollector collector(2, {});
    const std::vector<double> scores{1, 2, 3};
    const std::vector<std::uint8_t> labels{0, 1, 0};
    EXPECT_THROW(collector.add(scores, std::span(labels), {}), Error);
    ScoreCollector without_weights(5, {});
    EXPECT_THROW(without_weights.add(scores, std::span(labels), scores), Error);
}

}  // namespace
}  // namespace paralogit::train
