#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string_view>

#include "paralogit/base/error.hpp"
#include "paralogit/optim/line_search.hpp"

namespace paralogit::optim {

/// Throws Error (usage) unless the option's value is admissible. `range` completes the sentence
/// "expected ...".
template <typename Value>
void require_option(bool is_admissible, std::string_view option, Value value,
                    std::string_view range) {
    if (!is_admissible) {
        throw Error(ExitCode::usage, fmt::format("{} {}: expected {}", option, value, range));
    }
}

/// Throws Error (usage) unless a solver can work with these choices of its Hessian.
inline void require_hessian_options(Index thinning, double cost) {
    require_option(thinning >= 0 && (thinning & (thinning - 1)) == 0, "--thinning", thinning,
                   "a power of two, or 0 to leave the choice to the solver");
    require_option(cost > 0 && std::isfinite(cost), "--hessian-cost", cost,
                   "a finite number above 0");
}

/// Throws Error (usage) unless the options of the line search are admissible.
inline void require_search_options(const LineSearchOptions& search) {
    require_option(search.sufficient_decrease > 0 && search.sufficient_decrease < 0.5,
                   "--sufficient-decrease", search.sufficient_decrease,
                   "a number above 0 and below 0.5");
    require_option(search.curvature > search.sufficient_decrease && search.curvature < 1,
                   "--curvature", search.curvature,
                   fmt::format("a number above --sufficient-decrease ({}) and below 1",
                               search.sufficient_decrease));
    require_option(search.max_evaluations >= 1, "--max-trials", search.max_evaluations,
                   "a whole number, 1 or more");
}

}  // namespace paralogit::optim
