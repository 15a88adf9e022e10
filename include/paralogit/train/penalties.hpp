#pragma once

#include "paralogit/model/penalty.hpp"
#include "paralogit/optim/change_of_variables.hpp"
#include "paralogit/optim/separable_term.hpp"
#include "paralogit/train/data_set.hpp"
#include "paralogit/train/moments.hpp"

namespace paralogit::train {

struct PenaltyOptions {
    double l1 = 0;
    double l2 = 0;

    /// Whether the objective has a part that is not smooth.
    bool has_kinks() const { return l1 > 0; }
};

/// What holds the coefficients, feature by feature as the shards number them.
struct Penalties {
    model::Penalty penalty{0.0};

    /// Whether nothing keeps a coefficient of the sign of `direction` from growing.
    bool let_grow(Index feature, double direction) const;
};

Penalties make_penalties(const PenaltyOptions& options, const DataSet& data,
                         const Moments& moments);

/// The part that is not smooth, in the solver's variables; zero when there is none.
optim::SeparableTerm separable_term(const PenaltyOptions& options, const Penalties& penalties,
                                    const optim::ChangeOfVariables& change);

}  // namespace paralogit::train
