#pragma once

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

}  // namespace paralogit::model
