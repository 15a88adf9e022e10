#pragma once

#include <map>
#include <string>
#include <vector>

#include "ordered_sums.hpp"
#include "paralogit/optim/solver.hpp"

namespace paralogit::optim {

/// The pairs s_k = point_{k+1} - point_k, y_k = gradient_{k+1} - gradient_k; a column each, the
/// oldest first. A view.
struct Pairs {
    const Matrix& s;
    const Matrix& y;

    /// Those that the state remembers, else `none`, which must outlive the result.
    static Pairs of(const State& state, const Matrix& none);
};

/// Writes the pairs down in `memory` ("s", "y" [dimension x pairs]), the pair (s, y) as the newest
/// one if it can be trusted; the oldest make room beyond `history`.
void remember_pairs(std::map<std::string, Matrix>& memory, const Pairs& pairs, const Vector& s,
                    const Vector& y, Index history);

/// Writes down that there are none.
void forget_pairs(std::map<std::string, Matrix>& memory, const Matrix& none);

/// Downhill, and no longer than 1: nothing is known of the scale yet.
Vector steepest_direction(const Vector& gradient);

/// d = -H g, H the inverse Hessian that the pairs describe (Nocedal & Wright 2006, algorithm 7.4).
/// `apply_initial(Vector&)` multiplies by H_0 in place.
/// Cost: 8 * dimension flops for each pair, and H_0.
template <typename ApplyInitial>
Vector two_loop_direction(const Pairs& pairs, const Vector& gradient,
                          const ApplyInitial& apply_initial) {
    const Index count = pairs.s.cols();
    std::vector<double> curvature(static_cast<std::size_t>(count));
    std::vector<double> alpha(static_cast<std::size_t>(count));
    Vector direction = -gradient;
    for (Index k = count - 1; k >= 0; --k) {
        const auto at = static_cast<std::size_t>(k);
        curvature[at] = dot(pairs.s.col(k), pairs.y.col(k));
        alpha[at] = dot(pairs.s.col(k), direction) / curvature[at];
        direction -= alpha[at] * pairs.y.col(k);
    }
    apply_initial(direction);
    for (Index k = 0; k < count; ++k) {
        const auto at = static_cast<std::size_t>(k);
        const double beta = dot(pairs.y.col(k), direction) / curvature[at];
        direction += (alpha[at] - beta) * pairs.s.col(k);
    }
    return direction;
}

}  // namespace paralogit::optim
