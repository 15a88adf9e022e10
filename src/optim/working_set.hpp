#pragma once

#include <vector>

#include "paralogit/optim/separable_term.hpp"

namespace paralogit::optim {

/// The variables that a step moves, in rising order: all, when there are up to `always_all` of
/// them; else those that nothing holds at 0 or at a bound, and as many again, or `always_all`, of
/// those that violate the conditions of an optimum, the worst first; `most` in all.
std::vector<Index> working_set(const Vector& point, const Vector& least_subgradient,
                               const SeparableTerm& term, Index always_all, Index most);

/// Whether a variable outside the set violates the conditions nearly as much as any within.
bool misses_the_worst(const std::vector<Index>& set, const Vector& least_subgradient);

/// The entries of a vector that belong to the set.
Vector of_set(const std::vector<Index>& set, const Vector& vector);

/// The term of the set's variables alone.
SeparableTerm of_set(const std::vector<Index>& set, const SeparableTerm& term);

}  // namespace paralogit::optim
