#include "paralogit/model/metrics.hpp"

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

double f1(const Confusion& c) {
    const double twice = 2 * c.true_positives;
    return twice / (twice + (c.false_positives + c.false_negatives));
}

}  // namespace paralogit::model
