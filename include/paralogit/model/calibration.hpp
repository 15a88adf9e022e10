#pragma once

#include <vector>

#include "paralogit/model/fixed_sum.hpp"
#include "paralogit/model/metrics.hpp"
#include "paralogit/model/ranked_part.hpp"

namespace paralogit::model {

/// Rows by true class and by whether their probability exceeds a threshold. Fed the groups of its
/// part of the order, like what is in ranking.hpp.
class ConfusionSums {
  public:
    ConfusionSums(const ClassWeightSums& all, double threshold);

    void add(const ScoreGroup& group, double probability);

    Confusion value() const;
    /// To be added up over parts.
    std::vector<Int128*> totals();

  private:
    double threshold_;
    FixedSum true_positives_;
    FixedSum false_positives_;
    FixedSum true_negatives_;
    FixedSum false_negatives_;
};

/// What the probabilities of some rows say, and what is so.
struct CalibrationBin {
    double weight = 0;
    double mean_probability = 0;  ///< NaN without rows
    double positive_rate = 0;     ///< NaN without rows
};

/// Rows in bins by their probabilities: of equal width, k / bins < p <= (k + 1) / bins and the
/// first one with 0 (scikit-learn's "uniform"); and of equal weight, where rows of one score stay
/// together, in the bin that holds their middle.
class Calibration {
  public:
    Calibration(const ClassWeightSums& all, int bins);

    void add(const ScoreGroup& group, double probability);

    std::vector<CalibrationBin> equal_width() const { return values(equal_width_); }
    std::vector<CalibrationBin> equal_weight() const { return values(equal_weight_); }
    /// sum of weight / all weight * |mean probability - positive rate| over bins of equal width.
    double expected_error() const;

    /// To be added up over parts.
    std::vector<Int128*> totals();

  private:
    struct Bin {
        FixedSum positives;
        FixedSum negatives;
        FixedSum probabilities;
    };

    static void add_to(Bin& bin, const ScoreGroup& group, double probability);
    static std::vector<CalibrationBin> values(const std::vector<Bin>& bins);

    ClassWeightSums all_;
    std::vector<double> inner_edges_;
    std::vector<Bin> equal_width_;
    std::vector<Bin> equal_weight_;
};

}  // namespace paralogit::model
