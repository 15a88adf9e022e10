#pragma once

#include <cmath>

namespace paralogit::optim {

/// Differences of a value below this fraction of it are taken for rounding. A mean of n losses that
/// is summed plainly is off by about sqrt(n) units in the last place, 1e-13 for a million rows. The
/// gradient can be told from zero much longer than the value from its minimum.
constexpr double value_resolution = 1e-13;

/// Whether `value` and `other` cannot be told apart, where `reference` sets the scale.
inline bool is_level(double value, double other, double reference) {
    return std::abs(value - other) <= value_resolution * std::abs(reference);
}

}  // namespace paralogit::optim
