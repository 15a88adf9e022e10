#include "paralogit/model/metrics.hpp"

#include <limits>

namespace paralogit::model {

namespace {

double ratio(double numerator, double denominator) {
    return denominator == 0 ? std::numeric_limits<double>::quiet_NaN() : numerator / denominator;
}

}  // namespace

double accuracy(const Confusion& c) {
    const double right = c.true_positives + c.true_negatives;
    const double wrong = c.false_positives + c.false_negatives;
    return ratio(right, right + wrong);
}

double precision(const Confusion& c) {
    return ratio(c.true_positives, c.true_positives + c.false_positives);
}

double recall(const Confusion& c) {
    return ratio(c.true_positives, c.true_positives + c.false_negatives);
}

double f1(const Confusion& c) {
    const double twice = 2 * c.true_positives;
    return ratio(twice, twice + (c.false_positives + c.false_negatives));
}

}  // namespace paralogit::model
