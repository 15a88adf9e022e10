#pragma once

#include <map>
#include <optional>
#include <string>

#include "paralogit/optim/solver.hpp"

namespace paralogit::optim {

/// Which Hessian the next step uses, and what is known of its worth: what the memory of a state
/// holds of it.
struct KeptHessian {
    Vector point;
    Index thinning = 1;
    Index most_thinning = 1;        ///< the most that is still trusted
    Index used = 0;                 ///< Hessians that have made a step so far
    Index steps = 0;                ///< made with this one
    double newton_contraction = 1;  ///< to be expected from a new one of all rows
    double excess_noise = 1;        ///< see HessianCosts

    /// Empty when the state has none.
    static std::optional<KeptHessian> of(const State& state);

    void remember(std::map<std::string, Matrix>& memory) const;

    void renew(const Vector& at, Index new_thinning) {
        point = at;
        thinning = new_thinning;
        steps = 0;
    }
};

}  // namespace paralogit::optim
