#pragma once

#include "row_groups.hpp"

// Part of kernels.hpp: what is done with margins, for eight rows at a time.

namespace paralogit::model {
namespace {

/// Labels and row weights of one group of eight rows; padding rows have weight 0.
struct Group {
    V label;
    V weight;
};

Group group_at(const KernelRows& block, Count first) {
    const Count rest = block.rows - first;
    if (rest >= lanes) {
        return {.label = block.hard != nullptr ? Lanes::load_bytes(block.hard + first)
                                               : Lanes::load(block.soft + first),
                .weight = block.row_weights != nullptr ? Lanes::load(block.row_weights + first)
                                                       : Lanes::all(1.0)};
    }
    double labels[lanes] = {};
    double weights[lanes] = {};
    for (Count l = 0; l < rest; ++l) {
        labels[l] = block.hard != nullptr ? block.hard[first + l] : block.soft[first + l];
        weights[l] = block.row_weights != nullptr ? block.row_weights[first + l] : 1.0;
    }
    return {.label = Lanes::load(labels), .weight = Lanes::load(weights)};
}

/// A row of weight 0 may have any margin: it counts as one of 0.
V margin_that_counts(V margin, const Group& group) {
    const V zero = Lanes::all(0.0);
    return Lanes::select(Lanes::equal(group.weight, zero), zero, margin);
}

/// Sums over rows, row i in lane i mod 8.
struct SlopeSums {
    V slopes = Lanes::all(0.0);
    V linear = Lanes::all(0.0);         ///< sum s * against * |z|
    V weighted_logs = Lanes::all(0.0);  ///< sum s log(1 + u) where s is neither 0 nor `common`
    /// product of (1 + u) - 1 where s is `common`, and s times the logarithms of earlier ones
    V product = Lanes::all(0.0);
    V logs = Lanes::all(0.0);
    V common = Lanes::all(1.0);  ///< the largest row weight
    Count rows_wrong = 0;

    void flush() {
        logs = Lanes::add(logs, Lanes::mul(common, log1p(product)));
        product = Lanes::all(0.0);
    }
};

double largest_weight(const KernelRows& block) {
    double largest = block.row_weights == nullptr ? 1 : 0;
    for (Count i = 0; block.row_weights != nullptr && i < block.rows; ++i) {
        largest = block.row_weights[i] > largest ? block.row_weights[i] : largest;
    }
    return largest;
}

/// The slopes of one group from its margins; adds what needs no features to `sums`.
template <bool is_weighted>
V slopes_of(V margin, const Group& group, SlopeSums& sums) {
    const V zero = Lanes::all(0.0);
    const V one = Lanes::all(1.0);
    if constexpr (is_weighted) {
        margin = margin_that_counts(margin, group);
    }
    const M is_negative = Lanes::less(margin, zero);
    const V distance = Lanes::absolute(margin);
    const V other_label = Lanes::sub(one, group.label);
    const V against = Lanes::select(is_negative, group.label, other_label);
    const V along = Lanes::select(is_negative, other_label, group.label);

    const V u = exp_of_nonpositive(Lanes::negative(distance));
    const V slope = Lanes::div(Lanes::fnma(along, u, against), Lanes::add(one, u));
    const V not_finite = Lanes::sub(margin, margin);
    V signed_slope =
        Lanes::add(Lanes::select(is_negative, Lanes::negative(slope), slope), not_finite);

    const M is_right =
        Lanes::either(Lanes::both(Lanes::equal(group.label, one), Lanes::less(zero, margin)),
                      Lanes::both(Lanes::equal(group.label, zero), is_negative));
    if constexpr (is_weighted) {
        const M counts_never = Lanes::equal(group.weight, zero);
        const M is_plain = Lanes::either(Lanes::equal(group.weight, sums.common), counts_never);
        sums.rows_wrong += lanes - Lanes::count(Lanes::either(is_right, counts_never));
        sums.linear = Lanes::fma(Lanes::mul(group.weight, against), distance, sums.linear);
        const V factor = Lanes::select(counts_never, zero, Lanes::select(is_plain, u, zero));
        sums.product = Lanes::fma(sums.product, factor, Lanes::add(sums.product, factor));
        if (Lanes::count(is_plain) != lanes) {
            const V weight = Lanes::select(is_plain, zero, group.weight);
            sums.weighted_logs = Lanes::fma(weight, log1p(u), sums.weighted_logs);
        }
        signed_slope = Lanes::mul(group.weight, signed_slope);
    } else {
        sums.rows_wrong += lanes - Lanes::count(is_right);
        sums.linear = Lanes::fma(against, distance, sums.linear);
        sums.product = Lanes::fma(sums.product, u, Lanes::add(sums.product, u));
    }
    sums.slopes = Lanes::add(sums.slopes, signed_slope);
    return signed_slope;
}

/// Turns the margins of a chunk into weighted slopes.
void turn_into_slopes(const KernelRows& block, Count first, Count rows, double* margins,
                      SlopeSums& sums) {
    Count i = 0;
    if (block.row_weights == nullptr) {
        for (; i + lanes <= rows; i += lanes) {
            const V margin = Lanes::load(margins + i);
            Lanes::store(margins + i, slopes_of<false>(margin, group_at(block, first + i), sums));
        }
    }
    for (; i < rows; i += lanes) {
        const V margin = Lanes::load(margins + i);
        Lanes::store(margins + i, slopes_of<true>(margin, group_at(block, first + i), sums));
    }
}

/// ((0+4)+(2+6)) + ((1+5)+(3+7)).
double sum_over_lanes(V v) {
    double l[lanes];
    Lanes::store(l, v);
    return ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]));
}

/// s p (1 - p) = s u / (1 + u)^2
V curvature_of(V margin, const Group& group) {
    margin = margin_that_counts(margin, group);
    const V u = exp_of_nonpositive(Lanes::negative(Lanes::absolute(margin)));
    const V below = Lanes::add(Lanes::all(1.0), u);
    const V not_finite = Lanes::sub(margin, margin);
    return Lanes::mul(group.weight,
                      Lanes::add(Lanes::div(u, Lanes::mul(below, below)), not_finite));
}

void curvatures(const KernelRows& block, double* margins) {
    for (Count i = 0; i < block.rows; i += lanes) {
        const Count rest = block.rows - i;
        const Group group = group_at(block, i);
        if (rest >= lanes) {
            Lanes::store(margins + i, curvature_of(Lanes::load(margins + i), group));
        } else {
            store_some(margins + i, rest, curvature_of(load_some(margins + i, rest), group));
        }
    }
}

}  // namespace
}  // namespace paralogit::model
