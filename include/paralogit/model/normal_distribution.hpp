#pragma once

namespace paralogit::model {

/// P(|Z| >= |z|) of a standard normal Z. Right to a few ulp as far out as a double reaches (|z| up
/// to 38.4); 0 beyond. NaN for NaN.
double two_sided_p_value(double z);

/// The q with P(|Z| <= q) = confidence, for a confidence in (0, 1). Right to a few ulp.
double two_sided_quantile(double confidence);

}  // namespace paralogit::model
