#include "paralogit/model/loss.hpp"

#include <cmath>

#include "paralogit/model/math.hpp"

namespace paralogit::model {

LossAndSlope binary_cross_entropy(double label, double margin) {
    // The margin counts as a distance into the side that it is on: `against` is the weight of the
    // label that pulls back from there, `along` that of the label on that side.
    const bool is_negative = margin < 0;
    const double distance = std::fabs(margin);
    const double against = is_negative ? label : 1 - label;
    const double along = is_negative ? 1 - label : label;

    const double u = exp_of_nonpositive(-distance);
    const double slope = std::fma(-along, u, against) / (1 + u);
    // 0 for a finite margin; NaN for the others, whose loss and slope may have come out finite.
    const double not_finite = margin - margin;
    return {std::fma(against, distance, log1p_of_unit(u)) + not_finite,
            (is_negative ? -slope : slope) + not_finite};
}

}  // namespace paralogit::model
