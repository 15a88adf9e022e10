#pragma once

#include <span>

#include "paralogit/optim/objective.hpp"
#include "paralogit/optim/solver.hpp"

namespace paralogit::optim {

/// The part of an objective that is not smooth, a sum over variables: l1_j |p_j|, and infinity
/// outside lower_j <= p_j <= upper_j. All of one size, or all empty for a part that is 0.
struct SeparableTerm {
    Vector l1;     ///< finite, >= 0
    Vector lower;  ///< may be -infinity
    Vector upper;  ///< may be infinity; lower_j <= upper_j

    bool is_zero() const { return l1.size() == 0; }

    /// sum_j l1_j |p_j|.
    double value(const Vector& point) const;

    /// The nearest point within the bounds.
    Vector within_bounds(const Vector& point) const;

    /// argmin_x curvature/2 (x - p_j)^2 + l1_j |x| within the bounds of variable j.
    double proximal(Index j, double p, double curvature) const;

    /// The subgradient of least size, of this and a smooth part with the derivative `slope` at p_j:
    /// the slope of the sum downhill, 0 where neither direction leads down.
    double least_subgradient(Index j, double p, double slope) const;
    /// The same of all variables. It is 0 where a convex sum is least, and nowhere else.
    Vector least_subgradient(const Vector& point, const Vector& gradient) const;
};

/// An objective with a part that is not smooth. The value of an evaluation includes that part,
/// which is asked for within its bounds only; gradients, Hessians and products are of the smooth
/// rest.
class CompositeObjective : public CurvedObjective {
  public:
    virtual const SeparableTerm& separable() const = 0;

    /// The rows and columns of the Hessian of some variables, given in rising order, without the
    /// rest of the matrix. Costs for each of the rows / thinning the square of their number, and
    /// that of a margin.
    virtual Matrix hessian_among(const Vector& point, std::span<const Index> variables,
                                 Index thinning) = 0;
};

/// By how much a state fails the conditions of an optimum: the largest entry of the subgradient of
/// least size, in the solver's variables; that of the gradient where all is smooth. NaN when an
/// entry is NaN.
double optimality_violation(const State& state, const SeparableTerm& term);

/// The entries of a point that are not 0, the first `features` of them.
Index nonzeros(const Vector& point, Index features);

}  // namespace paralogit::optim
