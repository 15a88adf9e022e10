#pragma once

#include <optional>

namespace paralogit::model {

/// Loss and slope of one row.
struct LossAndSlope {
    double loss;
    double slope;
};

/// Binary cross-entropy of a label y in [0, 1] and a margin z:
///     loss(y, z)  = log(1 + e^z) - y z  = max(z, 0) - y z + log1p(e^-|z|)
///     slope(y, z) = d loss / d z        = sigmoid(z) - y
/// Finite and right to 4 ulp for every finite z where y is 0 or 1, and so is the loss for any y:
/// each is evaluated in the form that does not cancel, so the slope of a row that is far on its own
/// side keeps its leading digits where sigmoid(z) - 1 would be 0. The slope of a soft label crosses
/// zero where sigmoid(z) = y; it is right to 4 u, u = 2^-53. Exactly symmetric: (1 - y, -z) gives
/// the same loss and the negative slope, for every y whose 1 - y is exact. NaN for a margin that is
/// not finite.
LossAndSlope binary_cross_entropy(double label, double margin);

/// The same of one row, and the second derivative.
struct LossTerms {
    double loss;
    double slope;
    double curvature;
};

/// What a row of label y in [0, 1] and margin z costs: binary cross-entropy, or the focal loss
/// (Lin, Goyal, Girshick, He & Dollar 2017),
///     y a1 (1 - p)^gamma (-log p) + (1 - y) a0 p^gamma (-log(1 - p)),   p = sigmoid(z),
/// with a1 = alpha and a0 = 1 - alpha, or both 1 without alpha. It is not convex: the curvature is
/// below 0 where a row is far on the wrong side.
class Loss {
  public:
    Loss() = default;  ///< binary cross-entropy
    /// gamma in [0, most_gamma], alpha in (0, 1); binary cross-entropy for gamma = 0 without alpha.
    /// Throws Error (usage) for others.
    static Loss focal(double gamma, std::optional<double> alpha);

    bool is_focal() const { return is_focal_; }
    double gamma() const { return gamma_; }
    double positive_factor() const { return positive_; }  ///< a1
    double negative_factor() const { return negative_; }  ///< a0

    /// With h = -log(1 - p) for y = 1 and -log p for y = 0, that of the label's other side, each is
    /// right to (8 + 3 gamma h) u of its largest term, u = 2^-53, as long as that is no denormal; a
    /// slope of label 0 or 1 has terms of one sign only. Exactly symmetric where a1 = a0: (1 - y,
    /// -z) gives the same loss and curvature and the negative slope. NaN for a margin that is not
    /// finite.
    LossTerms at(double label, double margin) const;

    /// Powers of two: |slope| <= slope_unit and curvature <= curvature_unit / 4 for every row, as
    /// they are of BCE with units of 1. What is summed up of rows is slopes and curvatures divided
    /// by them, so that bounds of sums hold for every loss; no digit is lost, for only exponents
    /// change.
    double slope_unit() const { return slope_unit_; }
    double curvature_unit() const { return curvature_unit_; }

    /// The loss of a row whose margin is 0, before any factor of its label, over that of binary
    /// cross-entropy: 2^-gamma. What is small is small against this.
    double of_margin_zero() const;

    /// The exact sums have some hundred bits from the largest loss and slope that the bounds allow;
    /// those of rows near margin 0 begin gamma bits below, and what decides near the optimum is
    /// another 40 bits smaller.
    static constexpr double most_gamma = 32;

  private:
    bool is_focal_ = false;
    double gamma_ = 0;
    double positive_ = 1;
    double negative_ = 1;
    double slope_unit_ = 1;
    double curvature_unit_ = 1;
};

}  // namespace paralogit::model
