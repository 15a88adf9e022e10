#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace paralogit::model::testing {

/// How far `computed` lies from `exact`, in units of the last place of a double at `exact`. The
/// oracle is any floating type with more bits than double.
template <typename Exact>
double ulps_between(double computed, const Exact& exact) {
    using std::abs;
    using std::frexp;
    int exponent = 0;
    frexp(exact, &exponent);
    // 0 has the last place of the denormals.
    const int last_place = exact == 0 ? -1074 : std::max(exponent - 53, -1074);
    const Exact difference = abs(Exact(computed) - exact);
    // In two factors, for 2^1074 is beyond double.
    const int half = -last_place / 2;
    return static_cast<double>(
        Exact(difference * std::ldexp(1.0, half) * std::ldexp(1.0, -last_place - half)));
}

}  // namespace paralogit::model::testing
