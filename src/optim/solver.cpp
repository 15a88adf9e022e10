#include "paralogit/optim/solver.hpp"

#include <fmt/format.h>

#include "paralogit/base/error.hpp"

namespace paralogit::optim {

State Solver::start(Objective& objective, const Vector& point) const {
    if (point.size() != objective.dimension()) {
        throw Error(ExitCode::internal,
                    fmt::format("internal error: the first point has {} entries, the objective {}",
                                point.size(), objective.dimension()));
    }
    State state;
    state.point = point;
    state.at_point = objective.evaluate(state.point);
    state.evaluations = 1;
    return state;
}

}  // namespace paralogit::optim
