#pragma once

#include "paralogit/base/types.hpp"

namespace paralogit::model {

/// Sums of row weights by true and predicted class. Without row weights they are counts.
struct Confusion {
    double true_positives = 0;
    double false_positives = 0;
    double true_negatives = 0;
    double false_negatives = 0;
};

/// A ratio whose denominator is 0 is NaN: undefined, not guessed (scikit-learn reports 0 there, and
/// the recall of the one class for the balanced accuracy).
double accuracy(const Confusion& c);
double precision(const Confusion& c);
double recall(const Confusion& c);
double specificity(const Confusion& c);        ///< recall of the negative class
double balanced_accuracy(const Confusion& c);  ///< mean of recall and specificity
double f1(const Confusion& c);
/// Matthews' correlation, the correlation of the true and the predicted class.
double matthews_correlation(const Confusion& c);

}  // namespace paralogit::model
