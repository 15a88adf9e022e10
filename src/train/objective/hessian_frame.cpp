#include "hessian_frame.hpp"

#include "paralogit/model/exact_sum.hpp"

namespace paralogit::train {

ScaledFrame scaled_frame(const optim::ChangeOfVariables& change, std::span<const Index> features,
                         const model::ColumnBounds& bounds, bool has_intercept) {
    const bool has_all = std::ssize(features) == change.scale.size();
    ScaledFrame scaled{
        .frame = {.features = has_all ? std::vector<Index>()
                                      : std::vector(features.begin(), features.end()),
                  .centre = Vector(std::ssize(features)),
                  .factor = Vector::Zero(std::ssize(features)),
                  .has_intercept = has_intercept},
        .exponents = {}};
    scaled.exponents.assign(static_cast<std::size_t>(scaled.frame.dimension()), 0);
    for (std::size_t at = 0; at < features.size(); ++at) {
        const Index j = features[at];
        const auto column = static_cast<Index>(at);
        scaled.frame.centre[column] = change.centre[j];
        if (change.scale[j] == 0) {
            continue;
        }
        const double largest =
            (std::ldexp(1.0, bounds.value_exponents[static_cast<std::size_t>(j)]) +
             std::abs(change.centre[j])) /
            change.scale[j];
        scaled.exponents[at] = model::exponent_above(largest);
        scaled.frame.factor[column] = std::ldexp(1.0, -scaled.exponents[at]) / change.scale[j];
    }
    return scaled;
}

}  // namespace paralogit::train
