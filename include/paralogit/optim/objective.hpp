#pragma once

#include "paralogit/base/types.hpp"

namespace paralogit::optim {

/// What an objective says about one point.
struct Evaluation {
    double value = 0;
    Vector gradient;
    /// A count that the objective reports beside the value (rows on the wrong side); solvers pass
    /// it through unread.
    Index rows_wrong = 0;
};

/// A differentiable function of a vector. A pure function: the same point gives the same bits, on
/// every rank.
class Objective {
  public:
    virtual ~Objective() = default;

    virtual Index dimension() const = 0;

    /// Value and gradient at `point`. They may be infinite or NaN, which a solver must survive. May
    /// throw; a solver's state is then unchanged. Costs one pass over the data.
    virtual Evaluation evaluate(const Vector& point) = 0;
};

}  // namespace paralogit::optim
