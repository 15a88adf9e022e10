#pragma once

#include "abreast.hpp"
#include "focal.hpp"
#include "row_groups.hpp"

// Part of kernels.hpp: what is done with margins, for eight rows at a time.

namespace paralogit::model {
namespace {

/// Labels and row weights of one group of eight rows; padding rows have weight 0.
struct Group {
    V label;
    V weight;
};

/// Of eight rows.
V labels_at(const KernelRows& block, Count first) {
    return block.hard != nullptr ? Lanes::load_bytes(block.hard + first)
                                 : Lanes::load(block.soft + first);
}

[[gnu::noinline]] Group group_at(const KernelRows& block, Count first) {
    const Count rest = block.rows - first;
    if (rest >= lanes) {
        return {.label = labels_at(block, first),
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

/// What margins and labels make of rows, whatever their weights.
template <typename L>
struct Slopes {
    typename L::V slope;
    typename L::V u;            ///< e^-|z|
    typename L::V no_distance;  ///< -|z|
    typename L::V against;      ///< weight of the label that pulls back from the margin's side
    typename L::M is_right;
};

template <typename L>
Slopes<L> slopes_of(typename L::V margin, typename L::V label) {
    using Several = typename L::V;
    const Several zero = L::all(0.0);
    const Several one = L::all(1.0);
    const Several no_distance = L::not_positive(margin);
    const Several against = L::select(L::has_sign(margin), label, L::sub(one, label));
    const Several u = exp_of_nonpositive<L>(no_distance);
    const Several slope = L::sub(against, L::div(u, L::add(one, u)));
    const Several not_finite = L::sub(margin, margin);
    return {.slope = L::add(L::times_sign(slope, margin), not_finite),
            .u = u,
            .no_distance = no_distance,
            .against = against,
            .is_right = L::both(L::equal(against, zero), L::less(no_distance, zero))};
}

/// Adds rows of weight 1.
void add_rows(const Slopes<Lanes>& rows, SlopeSums& sums) {
    sums.rows_wrong += lanes - Lanes::count(rows.is_right);
    sums.linear = Lanes::fnma(rows.against, rows.no_distance, sums.linear);
    sums.product = Lanes::fma(sums.product, rows.u, Lanes::add(sums.product, rows.u));
    sums.slopes = Lanes::add(sums.slopes, rows.slope);
}

/// Adds rows of any weights; returns their weighted slopes.
V add_weighted_rows(const Slopes<Lanes>& rows, V weight, SlopeSums& sums) {
    const V zero = Lanes::all(0.0);
    const M counts_never = Lanes::equal(weight, zero);
    const M is_plain = Lanes::either(Lanes::equal(weight, sums.common), counts_never);
    sums.rows_wrong += lanes - Lanes::count(Lanes::either(rows.is_right, counts_never));
    sums.linear = Lanes::fnma(Lanes::mul(weight, rows.against), rows.no_distance, sums.linear);
    const V factor = Lanes::select(counts_never, zero, Lanes::select(is_plain, rows.u, zero));
    sums.product = Lanes::fma(sums.product, factor, Lanes::add(sums.product, factor));
    if (Lanes::count(is_plain) != lanes) {
        const V rest = Lanes::select(is_plain, zero, weight);
        sums.weighted_logs = Lanes::fma(rest, log1p(rows.u), sums.weighted_logs);
    }
    const V slope = Lanes::mul(weight, rows.slope);
    sums.slopes = Lanes::add(sums.slopes, slope);
    return slope;
}

/// The same as turn_into_slopes of a focal loss, whose slopes are scaled.
[[gnu::noinline]] void turn_into_focal_slopes(const KernelRows& block, Count first, Count rows,
                                              double* margins, SlopeSums& sums) {
    const V scale = Lanes::all(block.focal.slope_scale);
    for (Count i = 0; i < rows; i += lanes) {
        const Group group = group_at(block, first + i);
        const V margin = margin_that_counts(Lanes::load(margins + i), group);
        const FocalTerms terms = focal_terms(block, margin, group.label);
        const M counts_never = Lanes::equal(group.weight, Lanes::all(0.0));
        sums.rows_wrong +=
            lanes - Lanes::count(Lanes::either(are_right(margin, group.label), counts_never));
        sums.linear = Lanes::fma(group.weight, terms.loss, sums.linear);
        const V slope = Lanes::mul(group.weight, Lanes::mul(terms.slope, scale));
        sums.slopes = Lanes::add(sums.slopes, slope);
        Lanes::store(margins + i, slope);
    }
}

/// Turns the margins of rows into weighted slopes.
void turn_into_slopes(const KernelRows& block, Count first, Count rows, double* margins,
                      SlopeSums& sums) {
    if (block.focal.is_used) [[unlikely]] {
        // A copy, so that the compiler may hold the sums of BCE in registers.
        SlopeSums own = sums;
        turn_into_focal_slopes(block, first, rows, margins, own);
        sums = own;
        return;
    }
    Count i = 0;
    if (block.row_weights == nullptr) {
        for (; i + 2 * lanes <= rows; i += 2 * lanes) {
            const Slopes<Twice<Lanes>> slopes = slopes_of<Twice<Lanes>>(
                {Lanes::load(margins + i), Lanes::load(margins + i + lanes)},
                {labels_at(block, first + i), labels_at(block, first + i + lanes)});
            Lanes::store(margins + i, slopes.slope.first);
            Lanes::store(margins + i + lanes, slopes.slope.second);
            add_rows({slopes.slope.first, slopes.u.first, slopes.no_distance.first,
                      slopes.against.first, slopes.is_right.first},
                     sums);
            add_rows({slopes.slope.second, slopes.u.second, slopes.no_distance.second,
                      slopes.against.second, slopes.is_right.second},
                     sums);
        }
        for (; i + lanes <= rows; i += lanes) {
            const Slopes<Lanes> slopes =
                slopes_of<Lanes>(Lanes::load(margins + i), labels_at(block, first + i));
            Lanes::store(margins + i, slopes.slope);
            add_rows(slopes, sums);
        }
    }
    for (; i < rows; i += lanes) {
        const Group group = group_at(block, first + i);
        const V margin = margin_that_counts(Lanes::load(margins + i), group);
        Lanes::store(margins + i,
                     add_weighted_rows(slopes_of<Lanes>(margin, group.label), group.weight, sums));
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
    const V u = exp_of_nonpositive(Lanes::not_positive(margin));
    const V below = Lanes::add(Lanes::all(1.0), u);
    const V not_finite = Lanes::sub(margin, margin);
    return Lanes::mul(group.weight,
                      Lanes::add(Lanes::div(u, Lanes::mul(below, below)), not_finite));
}

/// The positive part of the curvature of a focal loss, scaled.
V focal_curvature_of(const KernelRows& block, V margin, const Group& group) {
    const V curvature =
        focal_terms(block, margin_that_counts(margin, group), group.label).curvature;
    // In this order a NaN stays one.
    const V positive = Lanes::max(Lanes::all(0.0), curvature);
    return Lanes::mul(group.weight, Lanes::mul(positive, Lanes::all(block.focal.curvature_scale)));
}

/// Calls of(margin, group) for eight rows at a time.
template <typename Curvature>
void turn_into_curvatures(const KernelRows& block, double* margins, Curvature&& of) {
    for (Count i = 0; i < block.rows; i += lanes) {
        const Count rest = block.rows - i;
        const Group group = group_at(block, i);
        if (rest >= lanes) {
            Lanes::store(margins + i, of(Lanes::load(margins + i), group));
        } else {
            store_some(margins + i, rest, of(load_some(margins + i, rest), group));
        }
    }
}

void curvatures(const KernelRows& block, double* margins) {
    if (block.focal.is_used) {
        turn_into_curvatures(block, margins, [&](V margin, const Group& group) {
            return focal_curvature_of(block, margin, group);
        });
    } else {
        turn_into_curvatures(block, margins, curvature_of);
    }
}

}  // namespace
}  // namespace paralogit::model
