#pragma once

#include "paralogit/optim/objective.hpp"

namespace paralogit::optim {

/// The map between the parameters p = (w, b) that users see and the variables q = (v, a) in which a
/// solver works: w_j = v_j / scale_j and b = a - sum_j w_j centre_j. It standardises the features
/// without touching them. A column with scale 0 carries no information: its w stays what it was at
/// the start.
struct ChangeOfVariables {
    Vector centre;              ///< [d]; zeros when there is no intercept
    Vector scale;               ///< [d]; 1 for no change, 0 for a column to leave alone
    bool has_intercept = true;  ///< whether b is among the parameters; it is the last one

    static ChangeOfVariables identity(Index features, bool has_intercept);

    /// Parameters of a point. `start` supplies the coefficients of the columns to leave alone.
    Vector to_parameters(const Vector& point, const Vector& start, int threads = 1) const;
    /// The point of some parameters.
    Vector to_point(const Vector& parameters) const;
    /// The direction in which the parameters go when the point goes along `direction`.
    Vector to_parameter_direction(const Vector& direction) const;
    /// The same by several threads, into memory that is there.
    void to_parameter_direction(const Vector& direction, int threads, Vector& parameters) const;
    /// Gradient by the point, from the gradient by the parameters.
    Vector to_point_gradient(const Vector& parameter_gradient, int threads = 1) const;
};

/// An objective of the parameters, seen in the solver's variables.
class TransformedObjective : public Objective {
  public:
    /// Both references must outlive this. `start` is the first parameter vector.
    TransformedObjective(Objective& of_parameters, const ChangeOfVariables& change, Vector start);

    Index dimension() const override;
    Evaluation evaluate(const Vector& point) override;

  private:
    Objective& of_parameters_;
    const ChangeOfVariables& change_;
    Vector start_;
};

}  // namespace paralogit::optim
