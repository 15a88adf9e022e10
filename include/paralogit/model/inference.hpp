#pragma once

#include <limits>
#include <vector>

#include "paralogit/base/types.hpp"
#include "paralogit/model/aliasing_cholesky.hpp"

namespace paralogit::model {

/// A direction along which a matrix of second derivatives has nothing, as an equation between
/// columns, in the units of the features.
struct FlatDirection {
    Alias equation;
    std::vector<Index> parameters;  ///< those with a part in it: they have no value of their own
    Index foremost = 0;             ///< the feature with the largest part, of unit variance
};

/// What statistics are made of: sums over rows at the parameters, in variables q = (v, a) with
/// w_j = v_j / scale_j and b = a - sum_j w_j centre_j. All sums count row weights in units of
/// `weight_unit`.
struct InferenceInput {
    Vector parameters;      ///< (w, b), or w without intercept
    Matrix hessian;         ///< of the summed loss, in the variables
    Matrix score_products;  ///< sum of outer products of the rows' gradients, in the variables
    /// Second derivative of the summed penalty by each coefficient, in the units of `hessian` and
    /// by w; zeros without a penalty.  [d]
    Vector penalty_curvature;
    Vector gradient;  ///< of the summed loss and penalty, by the variables, in units of weight_unit
    Vector centre;    ///< [d]
    Vector scale;     ///< [d]; 0 for a column to leave out: constant, or without any curvature
    bool has_intercept = true;
    /// Equations that the columns obey: along their directions the loss has no curvature.
    std::vector<FlatDirection> collinear{};
    double weight_unit = 1;

    double weight_sum = 0;
    double loss_sum = 0;
    double lowest_loss_sum = 0;
    double positive_weight_sum = 0;
    Index rows = 0;  ///< of positive weight
    double confidence = 0.95;
};

/// One way to tell how far an estimate may be off: all NaN for a parameter that the data does not
/// determine.
struct WaldStatistics {
    double standard_error = std::numeric_limits<double>::quiet_NaN();
    double z = std::numeric_limits<double>::quiet_NaN();
    double p = std::numeric_limits<double>::quiet_NaN();
    double lower = std::numeric_limits<double>::quiet_NaN();
    double upper = std::numeric_limits<double>::quiet_NaN();
};

struct ParameterStatistics {
    double estimate;
    WaldStatistics by_hessian;  ///< from the inverse of the Hessian
    WaldStatistics robust;      ///< from the sandwich (HC0)
};

struct Inference {
    std::vector<ParameterStatistics> parameters;  ///< in their order, the intercept last
    bool has_intercept = true;
    bool is_penalised = false;
    double confidence = 0.95;
    Index rows = 0;
    double weight_sum = 0;
    Index rank = 0;                   ///< parameters that the data determines
    double effective_parameters = 0;  ///< trace of H (H + penalty)^-1; the rank without a penalty
    double log_likelihood = 0;
    double null_deviance = 0;
    double residual_deviance = 0;
    Index null_degrees = 0;
    double residual_degrees = 0;
    double aic = 0;
    double bic = 0;
    /// The largest Newton step that is left, in standard errors of the parameters: how far the
    /// estimates are from the optimum.
    double distance_to_optimum = 0;
    /// Equations that make coefficients undetermined, for no penalty holds them.
    std::vector<FlatDirection> collinear;
    /// Where the Hessian has no curvature left though the columns do not depend on each other.
    std::vector<FlatDirection> vanished;
};

/// An alias among variables (v, a), w_j = v_j / scale_j, in the units of the features, without
/// parts that are rounding; the factor of the intercept is the constant to add.
Alias in_units_of_features(Alias alias, const Vector& centre, const Vector& scale,
                           bool has_intercept);

/// The direction in which an alias among variables of unit variance lets the parameters go.
FlatDirection flat_direction(const Alias& alias, const Vector& centre, const Vector& scale,
                             bool has_intercept);

/// The Hessian of loss and penalty, factored without what is constant. Where columns obey an
/// equation, the variable that others determine is replaced by the size of the direction in which
/// the loss has no curvature: exactly none, so that what a penalty has there, however little, is
/// not lost in the rounding of the loss.
class InformationFactor {
  public:
    /// A variable of which the ones before it leave less than `least_share` is left out.
    explicit InformationFactor(const InferenceInput& input, double least_share = 1e-12);

    /// Directions that are determined.
    Index rank() const { return factor_.rank(); }
    /// By the variables of the input; 0 where nothing is determined.
    Vector solve(const Vector& b) const { return to_variables(solve_by_directions(b)); }
    /// The same by the directions, before these are summed up to variables.
    Vector solve_by_directions(const Vector& b) const { return factor_.solve(by_directions(b)); }
    /// The inverse by the directions, a column for each variable.
    Matrix inverse_by_directions() const;
    Vector to_variables(const Vector& by_directions) const;
    /// What is left of a vector by the directions where the loss has curvature.
    Vector without_null_directions(Vector by_directions) const;
    /// The directions in which there is nothing, those of equations and others.
    void name_flat_directions(const InferenceInput& input, std::vector<FlatDirection>& collinear,
                              std::vector<FlatDirection>& vanished) const;

  private:
    Vector by_directions(Vector b) const;

    std::vector<Index> replaced_;       ///< variables
    std::vector<Vector> null_vectors_;  ///< of each, 1 at the variable itself
    AliasingCholesky factor_;
};

/// Standard errors, tests and likelihoods as R's summary(glm) has them, all by the normal
/// distribution; `factor` is that of the input. The covariance is the inverse of the
/// Hessian of loss and penalty, or that around the score products (Huber 1967, White 1980). Cost:
/// 5 d^3 flops.
Inference infer(const InferenceInput& input, const InformationFactor& factor);

}  // namespace paralogit::model
