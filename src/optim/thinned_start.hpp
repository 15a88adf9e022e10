#pragma once

#include <optional>

#include "paralogit/optim/objective.hpp"
#include "refresh_policy.hpp"

namespace paralogit::optim {

/// Where a part of the rows has its minimum, about as exactly as that part determines it.
struct ThinnedStart {
    Vector point;
    Index thinning;     ///< the part is one of `thinning` rows
    double part_value;  ///< of that part, at the first point
};

/// Goes from `first` to the minimum of more and more rows, each part eight times the one before, up
/// to a thirty-second part (Mokhtari, Daneshmand, Lucchi, Hofmann & Ribeiro 2016, adaptive Newton:
/// the minimum of one part is within reach of one Newton step of that of the next). The first part
/// has the rows that first_thinning() asks for; on it Newton's method is led by a line search. A
/// point that a part cannot tell from its own minimum is left where it is, so that a good first
/// point is not made worse. Empty when there are too few rows for more than one part, or something
/// is not finite, or a line search fails. Cost: about half a pass.
std::optional<ThinnedStart> start_from_parts(CurvedObjective& objective, const Vector& first,
                                             const HessianCosts& costs);

}  // namespace paralogit::optim
