#include "paralogit/optim/separable_term.hpp"

#include <algorithm>
#include <cmath>

#include "ordered_sums.hpp"

namespace paralogit::optim {

double SeparableTerm::value(const Vector& point) const {
    return ordered_sum(l1.size(), [&](Index j) { return l1[j] * std::abs(point[j]); });
}

Vector SeparableTerm::within_bounds(const Vector& point) const {
    if (is_zero()) {
        return point;
    }
    Vector within(point.size());
    for (Index j = 0; j < point.size(); ++j) {
        within[j] = std::clamp(point[j], lower[j], upper[j]);
    }
    return within;
}

double SeparableTerm::proximal(Index j, double p, double curvature) const {
    const double threshold = l1[j] / curvature;
    double x = 0;
    if (p > threshold) {
        x = p - threshold;
    } else if (p < -threshold) {
        x = p + threshold;
    }
    return std::clamp(x, lower[j], upper[j]);
}

double SeparableTerm::least_subgradient(Index j, double p, double slope) const {
    if (std::isnan(slope)) {
        return slope;
    }
    const double to_the_right = slope + (p >= 0 ? l1[j] : -l1[j]);
    const double to_the_left = slope + (p > 0 ? l1[j] : -l1[j]);
    if (to_the_right < 0 && p < upper[j]) {
        return to_the_right;
    }
    if (to_the_left > 0 && p > lower[j]) {
        return to_the_left;
    }
    return 0;
}

Vector SeparableTerm::least_subgradient(const Vector& point, const Vector& gradient) const {
    if (is_zero()) {
        return gradient;
    }
    Vector least(point.size());
    for (Index j = 0; j < point.size(); ++j) {
        least[j] = least_subgradient(j, point[j], gradient[j]);
    }
    return least;
}

double optimality_violation(const State& state, const SeparableTerm& term) {
    if (term.is_zero()) {
        return max_norm(state.at_point.gradient);
    }
    return max_norm(term.least_subgradient(state.point, state.at_point.gradient));
}

Index nonzeros(const Vector& point, Index features) {
    return std::count_if(point.begin(), point.begin() + features,
                         [](double entry) { return entry != 0; });
}

}  // namespace paralogit::optim
