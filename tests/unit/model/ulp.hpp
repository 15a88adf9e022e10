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
    using std::ldexp;
    int exponent = 0;
    frexp(exact, &exponent);
    // 0 has the last place of the denormals.
    const int last_place = exact == 0 ? -1074 : std::max(exponent - 53, -1074);
    const Exact difference = abs(Exact(computed) - exact);
    return static_cast<double>(Exact(ldexp(difference, -last_place)));
}

}  // namespace paralogit::model::testing
