#pragma once

namespace paralogit::model {

// Own elementary functions: the same bits on every CPU, which the C library does not promise (its
// exp picks another variant where the CPU has other features). Branch-free and made of
// multiplications, additions, std::fma and one division, so that a compiler can vectorise them
// without changing a bit.

/// e^x for x <= 0; 0 below -745.2 and for -infinity; NaN for NaN. At most 1 ulp off where the
/// result is normal.
double exp_of_nonpositive(double x);

/// log(1 + u) for 0 <= u <= 1; at most 2 ulp off, also for denormal u. NaN for NaN.
double log1p_of_unit(double u);

/// Natural logarithm of a positive finite x; at most 2 ulp off.
double log_of_positive(double x);

/// 1 / (1 + e^-z), at most 3 ulp off where it is normal; 0 and 1 at the infinities.
double sigmoid(double z);

}  // namespace paralogit::model
