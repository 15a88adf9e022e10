#pragma once

#include <map>
#include <string>
#include <vector>

#include "ordered_sums.hpp"
#include "paralogit/optim/solver.hpp"

namespace paralogit::optim {

/// The pairs s_k = point_{k+1} - point_k, y_k = gradient_{k+1} - gradient_k; a column each, in a
/// ring that begins with the oldest one at `oldest`. A view.
struct Pairs {
    const Matrix& s;
    const Matrix& y;
    Index oldest = 0;

    /// Those that the state remembers, else `none`, which must outlive the result.
    static Pairs of(const State& state, const Matrix& none);

    Index count() const { return s.cols(); }
    /// Where the k-th pair lies, the oldest being the first.
    Index column(Index k) const { return (oldest + k) % count(); }
    auto s_of(Index k) const { return s.col(column(k)); }
    auto y_of(Index k) const { return y.col(column(k)); }
};

/// Remembers the pair (s, y) as the newest one if it can be trusted ("s", "y" [dimension x pairs],
/// "oldest" [1 x 1] once there are `history` of them, when the newest takes the oldest one's
/// place). In place: no other pair is copied.
void remember_pair(std::map<std::string, Matrix>& memory, const Vector& s, const Vector& y,
                   Index history);

/// Forgets all pairs.
void forget_pairs(std::map<std::string, Matrix>& memory, Index dimension);

/// Downhill, and no longer than 1: nothing is known of the scale yet.
Vector steepest_direction(const Vector& gradient);

/// d = -H g, H the inverse Hessian that the pairs describe (Nocedal & Wright 2006, algorithm 7.4).
/// `apply_initial(Vector&)` multiplies by H_0 in place.
/// Cost: 8 * dimension flops for each pair, and H_0.
template <typename ApplyInitial>
Vector two_loop_direction(const Pairs& pairs, const Vector& gradient,
                          const ApplyInitial& apply_initial) {
    const Index count = pairs.count();
    std::vector<double> curvature(static_cast<std::size_t>(count));
    std::vector<double> alpha(static_cast<std::size_t>(count));
    Vector direction = -gradient;
    for (Index k = count - 1; k >= 0; --k) {
        const auto at = static_cast<std::size_t>(k);
        curvature[at] = dot(pairs.s_of(k), pairs.y_of(k));
        alpha[at] = dot(pairs.s_of(k), direction) / curvature[at];
        direction -= alpha[at] * pairs.y_of(k);
    }
    apply_initial(direction);
    for (Index k = 0; k < count; ++k) {
        const auto at = static_cast<std::size_t>(k);
        const double beta = dot(pairs.y_of(k), direction) / curvature[at];
        direction += (alpha[at] - beta) * pairs.s_of(k);
    }
    return direction;
}

}  // namespace paralogit::optim
