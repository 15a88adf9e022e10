#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "paralogit/model/fixed_sum.hpp"
#include "paralogit/model/ranked_part.hpp"

namespace paralogit::model {

// What can be told from the order of the scores. Each is fed the groups of some part of the order,
// on each rank those of its own; the parts are joined by adding up the sums, or by taking the best.
// Every number is a function of the group alone, so that neither ranks nor threads change a bit.

/// The areas under the ROC curve and the precision-recall curve. With P and N the weights of the
/// classes, and sums over the scores from the highest on:
///     ROC AUC            = sum n_g (TP_before + p_g / 2) / (P N), each tie half
///     average precision  = sum (p_g / P) TP_g / (TP_g + FP_g), as scikit-learn defines it
class RankAreas {
  public:
    explicit RankAreas(const ClassWeightSums& all);

    void add(const ScoreGroup& group);

    /// NaN where a class is empty, and without positives.
    double roc_auc() const;
    double average_precision() const;

    /// To be added up over parts.
    std::vector<Int128*> totals() { return {&twice_area_.total(), &precision_.total()}; }

  private:
    ClassWeightSums all_;
    FixedSum twice_area_;
    FixedSum precision_;
};

/// The best of the thresholds so far.
struct BestThreshold {
    double value = -std::numeric_limits<double>::infinity();  ///< of what is best
    std::uint64_t key = 0;      ///< of the lowest score that is predicted positive; 0: none yet
    double probability = 1;     ///< rows are predicted positive above it
    ClassWeightSums predicted;  ///< of the rows that are

    bool is_found() const { return key != 0; }
    /// Keeps the better one, of equals the one with the higher score.
    void offer(const BestThreshold& other);
};

/// The thresholds that are best by some rule. A threshold is a probability that rows must exceed;
/// scores whose probabilities are the same double cannot be told apart, and are not.
class ThresholdSearch {
  public:
    /// With the precision that the third rule asks for.
    ThresholdSearch(const ClassWeightSums& all, double wanted_precision);

    void add(const ScoreGroup& group);

    /// The largest F1; the largest TPR - FPR; the largest recall of the wanted precision.
    BestThreshold f1;
    BestThreshold youden;
    BestThreshold precision;
    /// The largest precision at any threshold; 0 with none.
    double highest_precision = 0;
    /// The largest |TPR - FPR| at any score (Kolmogorov-Smirnov); 0 with no group.
    double distance = 0;

  private:
    ClassWeightSums all_;
    double wanted_precision_;
};

/// The threshold that predicts the group and all above it positive, and nothing below: between the
/// probabilities of the group and of the next. None when they are the same.
std::optional<double> probability_below(const ScoreGroup& group);

/// A point of the ROC and precision-recall curves: rows with at least that score.
struct CurvePoint {
    std::uint64_t key;
    ClassWeightSums predicted;
};

/// Points of the curves: all groups, or when they are more than `most_points` those that enter a
/// new cell of a fine grid over the curve, so that a straight line between kept points is nowhere
/// further than 2 / most_points from the curve, in either direction.
class CurvePoints {
  public:
    CurvePoints(const ClassWeightSums& all, Index most_points);

    void add(const ScoreGroup& group);

    /// Of the groups that were added.
    Index groups() const { return groups_; }
    /// All groups. To be asked for only when on all parts there are no more than `most_points`.
    const std::vector<CurvePoint>& all_points() const { return all_points_; }
    /// Those of the grid.
    const std::vector<CurvePoint>& grid_points() const { return grid_points_; }

  private:
    ClassWeightSums all_;
    Index most_points_;
    Index groups_ = 0;
    std::vector<CurvePoint> all_points_;
    std::vector<CurvePoint> grid_points_;
};

/// How many positives are among the highest rows: where k / parts of all weight lies above, for k
/// from 1 to `parts`. Rows with the same score are taken evenly.
class Gains {
  public:
    Gains(const ClassWeightSums& all, int parts);

    void add(const ScoreGroup& group);

    /// The weight of the positives above k / parts, at k - 1.  [parts]; those that lie in other
    /// parts of the order are 0.
    const std::vector<double>& captured() const { return captured_; }

  private:
    ClassWeightSums all_;
    std::vector<double> captured_;
    std::size_t next_ = 0;
};

}  // namespace paralogit::model
