#pragma once

#include <limits>
#include <vector>

#include "paralogit/model/calibration.hpp"
#include "paralogit/model/ranking.hpp"
#include "paralogit/train/ranked_scores.hpp"

namespace paralogit::train {

/// How to find the threshold that a probability must exceed for a row to be predicted positive.
struct ThresholdRule {
    enum class Kind {
        value,      ///< the threshold itself
        f1,         ///< the largest F1
        youden,     ///< the largest TPR - FPR (Youden's J)
        precision,  ///< the largest recall with at least this precision
    };
    Kind kind = Kind::value;
    double value = 0.5;  ///< of the threshold or of the precision
};

/// How many positives are among the rows with the highest scores.
struct Gain {
    double rows = 0;       ///< the part of all rows that is taken, by weight
    double positives = 0;  ///< the part of all positives that is in it; NaN without positives
    double lift = 0;       ///< positives / rows
};

/// What the order of the scores tells; NaN where it is undefined.
struct RankMetrics {
    double roc_auc = std::numeric_limits<double>::quiet_NaN();
    double average_precision = std::numeric_limits<double>::quiet_NaN();
    double kolmogorov_smirnov = std::numeric_limits<double>::quiet_NaN();
    /// value: the F1, and TPR - FPR. None where the rule has no sense, for want of a class.
    model::BestThreshold best_f1;
    model::BestThreshold best_youden;
    /// By the rule.
    double threshold = 0.5;
    model::Confusion confusion;
    std::vector<model::CalibrationBin> equal_width;
    std::vector<model::CalibrationBin> equal_weight;
    double expected_calibration_error = std::numeric_limits<double>::quiet_NaN();
    std::vector<Gain> gains;
    /// From the highest score on, all of them or a choice; see model::CurvePoints.
    std::vector<model::CurvePoint> curve;
    model::ClassWeightSums all;  ///< the weights of the classes
    Index distinct_scores = 0;
};

/// Areas under the curves of ROC and of precision and recall; NaN where they are undefined.
struct RankAreas {
    double roc_auc = std::numeric_limits<double>::quiet_NaN();
    double average_precision = std::numeric_limits<double>::quiet_NaN();
};

/// These alone: one walk through the scores of this rank, and one message. The same on every rank.
/// @collective
RankAreas rank_areas(const comm::Communicator& comm, const RankedScores& scores);

/// Bins of the calibration, parts of the gains, and most points of the curve.
inline constexpr int calibration_bins = 10;
inline constexpr int gain_parts = 10;
inline constexpr Index most_curve_points = 10'000;

/// Two walks through the scores of this rank, and a few messages of some kilobytes. The scores are
/// margins: the probability is their sigmoid. Throws Error (input_data) when no threshold follows
/// the rule. The same on every rank. @collective
RankMetrics rank_metrics(const comm::Communicator& comm, const RankedScores& scores,
                         const ThresholdRule& rule);

}  // namespace paralogit::train
