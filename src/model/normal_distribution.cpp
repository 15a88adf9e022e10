#include "paralogit/model/normal_distribution.hpp"

#include <cmath>
#include <numbers>

namespace paralogit::model {

namespace {

// In long double: an error of u in the argument is one of z^2 u in a tail. It also keeps away from
// the exp of double, whose bits differ between processors.
using Real = long double;

Real two_sided_tail(Real z) {
    return std::erfc(std::abs(z) / std::numbers::sqrt2_v<Real>);
}

/// P(|Z| <= z) less what is wanted; of the tails where these are the smaller part.
Real excess_at(Real z, Real confidence) {
    const Real half = 0.5;
    return confidence < half ? std::erf(z / std::numbers::sqrt2_v<Real>) - confidence
                             : (1 - confidence) - two_sided_tail(z);
}

}  // namespace

double two_sided_p_value(double z) {
    return static_cast<double>(two_sided_tail(Real{z}));
}

double two_sided_quantile(double confidence) {
    // Bisection, then Newton's method, which doubles the digits each time. No confidence below 1
    // has a quantile of 9.
    Real low = 0;
    Real high = 9;
    constexpr int halvings = 20;
    for (int i = 0; i < halvings; ++i) {
        const Real middle = (low + high) / 2;
        (excess_at(middle, confidence) < 0 ? low : high) = middle;
    }
    Real quantile = (low + high) / 2;
    constexpr int corrections = 5;
    for (int i = 0; i < corrections; ++i) {
        const Real density =
            std::sqrt(2 * std::numbers::inv_pi_v<Real>) * std::exp(-quantile * quantile / 2);
        quantile -= excess_at(quantile, confidence) / density;
    }
    return static_cast<double>(quantile);
}

}  // namespace paralogit::model
