#pragma once

#include "elementary.hpp"
#include "slopes.hpp"

// Part of kernels.hpp: margins that give way to the slope of their row.

namespace paralogit::model {
namespace {

/// The margins m with m = z - give * weight * slope, where the slope is that of BCE at m: where
/// rows come to rest whose own features, which no other row has, answer every slope.
///
/// With p(m) = 1 / (1 + e^-m) and k = give * weight that is m + k p(m) = z + k y, or with the label
/// and the margin turned round, (-m) + k p(-m) = -z + k (1 - y). The two right sides add up to k,
/// so that one of them is k/2 or less, and its solution not above 0. There the left side is convex
/// and rises: from above Newton's method falls towards the solution and does not pass it.
V at_rest(V margin, const Group& group, V give) {
    constexpr int most_steps = 1000;
    const V zero = Lanes::all(0.0);
    const V one = Lanes::all(1.0);
    const V k = Lanes::mul(group.weight, give);
    const V upright = Lanes::fma(k, group.label, margin);
    const V turned = Lanes::fma(k, Lanes::sub(one, group.label), Lanes::negative(margin));
    const M is_turned = Lanes::less(turned, upright);
    const V goal = Lanes::select(is_turned, turned, upright);
    V m = Lanes::select(Lanes::less(zero, goal), zero, goal);
    for (int step = 0; step < most_steps; ++step) {
        const V u = exp_of_nonpositive(m);
        const V below = Lanes::add(one, u);
        const V pull = Lanes::mul(k, Lanes::div(u, below));
        const V rise = Lanes::add(one, Lanes::div(pull, below));
        const V excess = Lanes::sub(Lanes::add(m, pull), goal);
        const V next = Lanes::sub(m, Lanes::div(excess, rise));
        // A lane that no longer falls stays where it is, whatever the others do.
        const M falls = Lanes::less(next, m);
        if (Lanes::count(falls) == 0) {
            break;
        }
        m = Lanes::select(falls, next, m);
    }
    return Lanes::select(is_turned, Lanes::negative(m), m);
}

}  // namespace
}  // namespace paralogit::model
