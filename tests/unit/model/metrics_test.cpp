#include "paralogit/model/metrics.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace paralogit::model {
namespace {

TEST(Metrics, AgreeWithNumbersWorkedByHand) {
    const Confusion c{
        .true_positives = 6, .false_positives = 2, .true_negatives = 9, .false_negatives = 3};
    EXPECT_EQ(accuracy(c), 0.75);           // 15 of 20
    EXPECT_EQ(precision(c), 0.75);          // 6 of 8
    EXPECT_EQ(recall(c), 6.0 / 9.0);        // 6 of 9
    EXPECT_EQ(f1(c), 12.0 / (12 + 2 + 3));  // 2 TP / (2 TP + FP + FN)
    EXPECT_EQ(specificity(c), 9.0 / 11.0);  // 9 of 11
    EXPECT_DOUBLE_EQ(balanced_accuracy(c), (6.0 / 9.0 + 9.0 / 11.0) / 2);
    // (TP TN - FP FN) / sqrt((TP + FP) (TP + FN) (TN + FP) (TN + FN))
    EXPECT_DOUBLE_EQ(matthews_correlation(c), (54 - 6) / std::sqrt(8.0 * 9.0 * 11.0 * 12.0));
}

TEST(Metrics, CountRowWeights) {
    const Confusion c{.true_positives = 0.5,
                      .false_positives = 1.5,
                      .true_negatives = 0.25,
                      .false_negatives = 0};
    EXPECT_EQ(accuracy(c), 0.75 / 2.25);
    EXPECT_EQ(precision(c), 0.25);
    EXPECT_EQ(recall(c), 1.0);
    EXPECT_EQ(f1(c), 0.4);
}

TEST(Metrics, AreNanWithoutRows) {
    const Confusion nothing;
    EXPECT_TRUE(std::isnan(accuracy(nothing)));
    EXPECT_TRUE(std::isnan(precision(nothing)));
    EXPECT_TRUE(std::isnan(recall(nothing)));
    EXPECT_TRUE(std::isnan(f1(nothing)));
    EXPECT_TRUE(std::isnan(specificity(nothing)));
    EXPECT_TRUE(std::isnan(balanced_accuracy(nothing)));
    EXPECT_TRUE(std::isnan(matthews_correlation(nothing)));
}

TEST(Metrics, AreNanOnlyWhereTheDenominatorIsZero) {
    const Confusion only_true_negatives{.true_negatives = 4};
    EXPECT_EQ(accuracy(only_true_negatives), 1.0);
    EXPECT_TRUE(std::isnan(precision(only_true_negatives)));
    EXPECT_TRUE(std::isnan(recall(only_true_negatives)));
    EXPECT_TRUE(std::isnan(f1(only_true_negatives)));

    const Confusion never_positive{.true_negatives = 4, .false_negatives = 1};
    EXPECT_TRUE(std::isnan(precision(never_positive)));
    EXPECT_EQ(recall(never_positive), 0.0);
    EXPECT_EQ(f1(never_positive), 0.0);

    const Confusion no_positive_rows{.false_positives = 1, .true_negatives = 4};
    EXPECT_EQ(precision(no_positive_rows), 0.0);
    EXPECT_TRUE(std::isnan(recall(no_positive_rows)));
    EXPECT_EQ(specificity(no_positive_rows), 0.8);
    EXPECT_TRUE(std::isnan(balanced_accuracy(no_positive_rows)));
    for (const Confusion& c : {only_true_negatives, never_positive, no_positive_rows}) {
        EXPECT_TRUE(std::isnan(matthews_correlation(c)));
    }
}

TEST(Metrics, CorrelationIsOneOnlyWhenAllIsRight) {
    const Confusion right{.true_positives = 5, .true_negatives = 2};
    const Confusion wrong{.false_positives = 3, .false_negatives = 4};
    EXPECT_DOUBLE_EQ(matthews_correlation(right), 1.0);
    EXPECT_DOUBLE_EQ(matthews_correlation(wrong), -1.0);
    // Sums whose product is beyond a double.
    const Confusion large{.true_positives = 3e200,
                          .false_positives = 1e200,
                          .true_negatives = 3e200,
                          .false_negatives = 1e200};
    EXPECT_DOUBLE_EQ(matthews_correlation(large), 0.5);
}

}  // namespace
}  // namespace paralogit::model
