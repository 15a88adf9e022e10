#include "paralogit/model/metrics.hpp"

#include <cmath>

namespace paralogit::model {

// Every numerator below is 0 where its denominator is, and 0/0 is the NaN that the header promises.

double accuracy(const Confusion& c) {
    const double right = c.true_positives + c.true_negatives;
    const double wrong = c.false_positives + c.false_negatives;
    return right / (right + wrong);
}

double precision(const Confusion& c) {
    return c.true_positives / (c.true_positives + c.false_positives);
}

double recall(const Confusion& c) {
    return c.true_positives / (c.true_positives + c.false_negatives);
}

double specificity(const Confusion& c) {
    return c.true_negatives / (c.true_negatives + c.false_positives);
}

double balanced_accuracy(const Confusion& c) {
    return (recall(c) + specificity(c)) / 2;
}

double f1(const Confusion& c) {
    const double twice = 2 * c.true_positives;
    return twice / (twice + (c.false_positives + c.false_negatives));
}

double matthews_correlation(const Confusion& c) {
    // Each factor of the product under the root gets its own, so that nothing overflows.
    const double positives = std::sqrt(c.true_positives + c.false_negatives);
    const double negatives = std::sqrt(c.true_negatives + c.false_positives);
    const double predicted_positives = std::sqrt(c.true_positives + c.false_positives);
    const double predicted_negatives = std::sqrt(c.true_negatives + c.false_negatives);
    const double scale = positives * negatives;
    const double predicted_scale = predicted_positives * predicted_negatives;
    return (c.true_positives / scale) * (c.true_negatives / predicted_scale) -
           (c.false_positives / scale) * (c.false_negatives / predicted_scale);
}

}  // namespace paralogit::model
