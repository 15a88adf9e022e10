#include "paralogit/train/penalties.hpp"

#include <limits>

namespace paralogit::train {

bool Penalties::let_grow(Index feature, double /*direction*/) const {
    return penalty.l1_of(feature) == 0 && penalty.l2_of(feature) == 0;
}

Penalties make_penalties(const PenaltyOptions& options, const DataSet& /*data*/,
                         const Moments& /*moments*/) {
    return {.penalty = model::Penalty(options.l2, options.l1)};
}

optim::SeparableTerm separable_term(const PenaltyOptions& options, const Penalties& penalties,
                                    const optim::ChangeOfVariables& change) {
    if (!options.has_kinks()) {
        return {};
    }
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const Index features = change.scale.size();
    const Index dimension = features + (change.has_intercept ? 1 : 0);
    optim::SeparableTerm term{.l1 = Vector::Zero(dimension),
                              .lower = Vector::Constant(dimension, -infinity),
                              .upper = Vector::Constant(dimension, infinity)};
    for (Index j = 0; j < features; ++j) {
        // A feature that is left alone has no variable of its own.
        if (change.scale[j] > 0) {
            term.l1[j] = penalties.penalty.l1_of(j) / change.scale[j];
        }
    }
    return term;
}

}  // namespace paralogit::train
