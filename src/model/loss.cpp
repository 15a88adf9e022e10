#include "paralogit/model/loss.hpp"

#include <cmath>

#include "paralogit/model/math.hpp"

namespace paralogit::model {

LossAndSlope binary_cross_entropy(double label, double margin) {
    // The margin counts as a distance into the side that it is on; `against` is the weight of the
    // label that pulls back from there, and u / (1 + u) the chance that is left to the other side.
    const double distance = std::fabs(margin);
    const double against = std::signbit(margin) ? label : 1 - label;
    const double u = exp_of_nonpositive(-distance);
    const double slope = against - u / (1 + u);
    // 0 for a finite margin; NaN for the others, whose loss and slope may have come out finite.
    const double not_finite = margin - margin;
    return {std::fma(against, distance, log1p_of_unit(u)) + not_finite,
            (std::signbit(margin) ? -slope : slope) + not_finite};
}

}  // namespace paralogit::model
