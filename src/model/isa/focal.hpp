#pragma once

#include "row_groups.hpp"

// Part of kernels.hpp: the focal loss of eight rows, operation for operation that of Loss::at in
// src/model/loss.cpp, which says why it is as it is.

namespace paralogit::model {
namespace {

/// Loss, slope and curvature of eight rows.
struct FocalTerms {
    V loss;
    V slope;
    V curvature;
};

/// Of rows of label 1.
FocalTerms focal_terms_of_positive(double gamma, V margin) {
    const V zero = Lanes::all(0.0);
    const V one = Lanes::all(1.0);
    const V exponent = Lanes::all(gamma);
    const M is_negative = Lanes::has_sign(margin);
    const V no_distance = Lanes::not_positive(margin);
    const V distance = Lanes::absolute(margin);
    const V u = exp_of_nonpositive(no_distance);
    const V below = Lanes::add(one, u);
    const V larger = Lanes::div(one, below);
    const V smaller = Lanes::div(u, below);
    const V p = Lanes::select(is_negative, smaller, larger);
    const V q = Lanes::select(is_negative, larger, smaller);
    const V log = log1p(u);
    const V minus_log_p = Lanes::add(Lanes::select(is_negative, distance, zero), log);
    const V minus_log_q = Lanes::add(Lanes::select(is_negative, zero, distance), log);

    const V power = exp_of_nonpositive(Lanes::mul(Lanes::all(-gamma), minus_log_q));
    const V part = Lanes::mul(exponent, Lanes::mul(p, minus_log_p));
    const V both_sides = Lanes::mul(Lanes::mul(Lanes::all(2 * gamma + 1), p), q);
    const V turn = Lanes::fma(exponent, p, Lanes::negative(q));
    return {.loss = Lanes::mul(power, minus_log_p),
            .slope = Lanes::negative(Lanes::mul(power, Lanes::add(part, q))),
            .curvature = Lanes::mul(power, Lanes::fma(part, turn, both_sides))};
}

/// Of rows of labels 0 and 1.
FocalTerms focal_terms_of_hard(const KernelFocal& focal, V margin, V label) {
    const M is_positive = Lanes::equal(label, Lanes::all(1.0));
    const V factor =
        Lanes::select(is_positive, Lanes::all(focal.positive), Lanes::all(focal.negative));
    const V own = Lanes::select(is_positive, margin, Lanes::negative(margin));
    const FocalTerms terms = focal_terms_of_positive(focal.gamma, own);
    const V slope = Lanes::mul(factor, terms.slope);
    return {.loss = Lanes::mul(factor, terms.loss),
            .slope = Lanes::select(is_positive, slope, Lanes::negative(slope)),
            .curvature = Lanes::mul(factor, terms.curvature)};
}

/// Of rows of any labels.
FocalTerms focal_terms_of_soft(const KernelFocal& focal, V margin, V label) {
    const FocalTerms yes = focal_terms_of_positive(focal.gamma, margin);
    const FocalTerms no = focal_terms_of_positive(focal.gamma, Lanes::negative(margin));
    const V part = Lanes::mul(Lanes::all(focal.positive), label);
    const V rest = Lanes::mul(Lanes::all(focal.negative), Lanes::sub(Lanes::all(1.0), label));
    return {.loss = Lanes::fma(part, yes.loss, Lanes::mul(rest, no.loss)),
            .slope = Lanes::fnma(rest, no.slope, Lanes::mul(part, yes.slope)),
            .curvature = Lanes::fma(part, yes.curvature, Lanes::mul(rest, no.curvature))};
}

/// NaN for a margin that is not finite.
FocalTerms focal_terms(const KernelRows& block, V margin, V label) {
    const V not_finite = Lanes::sub(margin, margin);
    const FocalTerms terms = block.hard != nullptr
                                 ? focal_terms_of_hard(block.focal, margin, label)
                                 : focal_terms_of_soft(block.focal, margin, label);
    return {.loss = Lanes::add(terms.loss, not_finite),
            .slope = Lanes::add(terms.slope, not_finite),
            .curvature = Lanes::add(terms.curvature, not_finite)};
}

/// Rows strictly on the side of their label, which a soft label does not have.
M are_right(V margin, V label) {
    const V zero = Lanes::all(0.0);
    const M is_positive =
        Lanes::both(Lanes::equal(label, Lanes::all(1.0)), Lanes::less(zero, margin));
    const M is_negative = Lanes::both(Lanes::equal(label, zero), Lanes::less(margin, zero));
    return Lanes::either(is_positive, is_negative);
}

}  // namespace
}  // namespace paralogit::model
