#pragma once

#include "diagnosis.hpp"

namespace paralogit::train {

/// The Hessian at the end of a run in the variables in which it tells most, whatever those of the
/// solver were: standardised ones. That which the solver had last, or of as many rows as tell which
/// columns depend on others; empty where that would take long.
class EndCurvature {
  public:
    /// @collective
    explicit EndCurvature(const RunEnd& run);

    /// By penalised variables it is that of the identity.
    const Matrix& of_unpenalised() const { return of_unpenalised_; }
    const optim::ChangeOfVariables& change() const { return change_; }

    /// Directions whose curvature is at most this part of the largest may be flat ones.
    static constexpr double most_flat = 1e-5;
    bool is_flat_somewhere() const;

    /// Of parameters, the part along the directions whose curvature is at most `flatness` of the
    /// largest; empty when there is no such direction, or no other.
    Vector flat_part(const Vector& parameters, double flatness) const;

  private:
    Index flat_directions(double flatness) const;

    optim::ChangeOfVariables change_;
    Matrix of_unpenalised_;
    Vector curvatures_;  ///< in rising order; empty without a Hessian
    Matrix directions_;  ///< of these, a column each
};

}  // namespace paralogit::train
