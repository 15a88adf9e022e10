#include "paralogit/model/calibration.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace paralogit::model {
namespace {

/// Groups of one probability each, falling.
struct Step {
    double probability;
    double positives;
    double negatives;
};

Calibration calibrated(const std::vector<Step>& steps, int bins) {
    ClassWeightSums all;
    for (const Step& step : steps) {
        all.positives += step.positives;
        all.negatives += step.negatives;
    }
    Calibration calibration(all, bins);
    ScoreGroup group;
    for (const Step& step : steps) {
        group.before = group.after;
        group.own = {step.positives, step.negatives};
        group.after.positives += step.positives;
        group.after.negatives += step.negatives;
        calibration.add(group, step.probability);
    }
    return calibration;
}

TEST(Calibrations, PutProbabilitiesIntoBinsThatIncludeTheirUpperEdge) {
    const Calibration calibration =
        calibrated({{1.0, 3, 1}, {0.75, 1, 0}, {0.5, 2, 2}, {0.25, 0, 4}, {0.0, 1, 0}}, 4);

    const std::vector<CalibrationBin> bins = calibration.equal_width();

    ASSERT_EQ(bins.size(), 4U);
    EXPECT_EQ(bins[0].weight, 5);  // 0 and 0.25
    EXPECT_EQ(bins[0].mean_probability, 0.2);
    EXPECT_EQ(bins[0].positive_rate, 0.2);
    EXPECT_EQ(bins[1].weight, 4);
    EXPECT_EQ(bins[1].mean_probability, 0.5);
    EXPECT_EQ(bins[1].positive_rate, 0.5);
    EXPECT_EQ(bins[2].positive_rate, 1.0);
    EXPECT_EQ(bins[3].weight, 4);
    EXPECT_EQ(bins[3].positive_rate, 0.75);
    // 4 |1 - 0.75| + 1 |0.75 - 1| of 14
    EXPECT_DOUBLE_EQ(calibration.expected_error(), 1.25 / 14);
}

TEST(Calibrations, OfEqualWeightKeepRowsOfOneScoreTogether) {
    const Calibration calibration =
        calibrated({{0.9, 1, 1}, {0.8, 4, 2}, {0.2, 1, 1}, {0.1, 0, 2}}, 3);

    const std::vector<CalibrationBin> bins = calibration.equal_weight();

    // Thirds of 12 rows; the six rows of 0.8 are 2 to 8, their middle lies in the second.
    ASSERT_EQ(bins.size(), 3U);
    EXPECT_EQ(bins[2].weight, 2);
    EXPECT_EQ(bins[1].weight, 6);
    EXPECT_EQ(bins[0].weight, 4);
    EXPECT_DOUBLE_EQ(bins[0].mean_probability, 0.15);
    EXPECT_EQ(bins[0].positive_rate, 0.25);
}

TEST(Calibrations, SayNothingOfEmptyBins) {
    const Calibration calibration = calibrated({{0.95, 1, 0}}, 10);
    EXPECT_EQ(calibration.equal_width().front().weight, 0);
    EXPECT_TRUE(std::isnan(calibration.equal_width().front().mean_probability));
    EXPECT_TRUE(std::isnan(calibration.equal_width().front().positive_rate));
    EXPECT_NEAR(calibration.expected_error(), 0.05, 1e-16);
}

TEST(ConfusionSums, CountRowsAboveTheThresholdAsPositive) {
    ConfusionSums sums({6, 5}, 0.5);
    ScoreGroup group;
    group.own = {3, 1};
    sums.add(group, 0.7);
    group.own = {2, 1};
    sums.add(group, 0.5);
    group.own = {1, 3};
    sums.add(group, 0.2);

    const Confusion confusion = sums.value();

    EXPECT_EQ(confusion.true_positives, 3);
    EXPECT_EQ(confusion.false_positives, 1);
    EXPECT_EQ(confusion.false_negatives, 3);
    EXPECT_EQ(confusion.true_negatives, 4);
}

}  // namespace
}  // namespace paralogit::model
