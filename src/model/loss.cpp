#include "paralogit/model/loss.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "paralogit/base/error.hpp"
#include "paralogit/model/math.hpp"

namespace paralogit::model {

namespace {

double power_of_two_above(double bound) {
    return std::ldexp(1.0, std::ilogb(bound) + 1);
}

/// The focal loss of label 1. With p = sigmoid(z), q = 1 - p, L = -log p:
///     loss      = q^gamma L
///     slope     = -q^gamma (gamma p L + q)
///     curvature = q^gamma (gamma p L (gamma p - q) + (2 gamma + 1) p q)
/// p, q and their logarithms each come from u = e^-|z| in the form that does not cancel, and
/// q^gamma = e^(gamma log q), so it keeps its digits where q is tiny or rounds to 1.
LossTerms focal_terms_of_positive(double gamma, double margin) {
    const bool is_negative = std::signbit(margin);
    const double distance = std::fabs(margin);
    const double u = exp_of_nonpositive(-distance);
    const double larger = 1 / (1 + u);
    const double smaller = u / (1 + u);
    const double p = is_negative ? smaller : larger;
    const double q = is_negative ? larger : smaller;
    const double log = log1p_of_unit(u);
    const double minus_log_p = (is_negative ? distance : 0.0) + log;
    const double minus_log_q = (is_negative ? 0.0 : distance) + log;

    const double power = exp_of_nonpositive(-gamma * minus_log_q);
    // p L first: it stays below 1/e where L has no bound.
    const double part = gamma * (p * minus_log_p);
    const double both_sides = (2 * gamma + 1) * p * q;
    return {.loss = power * minus_log_p,
            .slope = -(power * (part + q)),
            .curvature = power * std::fma(part, std::fma(gamma, p, -q), both_sides)};
}

}  // namespace

LossAndSlope binary_cross_entropy(double label, double margin) {
    // The margin counts as a distance into the side that it is on; `against` is the weight of the
    // label that pulls back from there, and u / (1 + u) the chance that is left to the other side.
    const double distance = std::fabs(margin);
    const double against = std::signbit(margin) ? label : 1 - label;
    const double u = exp_of_nonpositive(-distance);
    const double slope = against - u / (1 + u);
    // 0 for a finite margin; NaN for the others, whose loss and slope may have come out finite.
    const double not_finite = margin - margin;
    return {std::fma(against, distance, log1p_of_unit(u)) + not_finite,
            (std::signbit(margin) ? -slope : slope) + not_finite};
}

double Loss::of_margin_zero() const {
    return std::exp2(-gamma_);
}

Loss Loss::focal(double gamma, std::optional<double> alpha) {
    if (!(gamma >= 0 && gamma <= most_gamma)) {
        throw Error(ExitCode::usage, "the gamma of a focal loss is " + std::to_string(gamma) +
                                         "; expected a number in [0, 32]");
    }
    if (alpha && !(*alpha > 0 && *alpha < 1)) {
        throw Error(ExitCode::usage, "the alpha of a focal loss is " + std::to_string(*alpha) +
                                         "; expected a number in (0, 1)");
    }
    Loss loss;
    if (gamma == 0 && !alpha) {
        return loss;
    }
    loss.is_focal_ = true;
    loss.gamma_ = gamma;
    loss.positive_ = alpha ? *alpha : 1;
    loss.negative_ = alpha ? 1 - *alpha : 1;
    // The factors are at most 1. Of label 1, p L <= 1/e bounds the slope by 1 + gamma/e. Of the
    // curvature, |gamma p - q| p L gamma q^gamma is at most gamma/e, since gamma p q^gamma < 1 and
    // q <= 1; and (2 gamma + 1) p q^(gamma + 1) is below (2 gamma + 1)/(gamma + 2) < 2 and at most
    // (2 gamma + 1)/4. The power above leaves room for what rounding adds.
    const double of_log = gamma / std::numbers::e;
    loss.slope_unit_ = power_of_two_above(1 + of_log);
    loss.curvature_unit_ = power_of_two_above(4 * (of_log + std::min(2.0, (2 * gamma + 1) / 4)));
    return loss;
}

LossTerms Loss::at(double label, double margin) const {
    const double not_finite = margin - margin;
    if (!is_focal_) {
        const auto [loss, slope] = binary_cross_entropy(label, margin);
        const double u = exp_of_nonpositive(-std::fabs(margin));
        return {.loss = loss, .slope = slope, .curvature = u / ((1 + u) * (1 + u)) + not_finite};
    }
    const LossTerms yes = focal_terms_of_positive(gamma_, margin);
    const LossTerms no = focal_terms_of_positive(gamma_, -margin);
    const double part = positive_ * label;
    const double rest = negative_ * (1 - label);
    return {.loss = std::fma(part, yes.loss, rest * no.loss) + not_finite,
            .slope = std::fma(-rest, no.slope, part * yes.slope) + not_finite,
            .curvature = std::fma(part, yes.curvature, rest * no.curvature) + not_finite};
}

}  // namespace paralogit::model
