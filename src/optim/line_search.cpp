#include "paralogit/optim/line_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "ordered_sums.hpp"
#include "precision.hpp"

namespace paralogit::optim {

namespace {

/// The function along the line at one length: phi(t) = F(point + t direction), and phi'(t).
struct Trial {
    double length;
    double value;
    double slope;
};

/// The conditions on a length, from phi(0), phi'(0) < 0 and the options.
class WolfeConditions {
  public:
    WolfeConditions(double value, double slope, const LineSearchOptions& options)
        : value_(value), slope_(slope), options_(options) {}

    bool has_sufficient_decrease(const Trial& trial) const {
        return trial.value <= value_ + options_.sufficient_decrease * trial.length * slope_;
    }

    /// Whether the values at 0 and at the trial cannot be told apart.
    bool is_level_with_start(const Trial& trial) const {
        return is_level(trial.value, value_, value_);
    }

    bool hold_at(const Trial& trial) const {
        if (std::abs(trial.slope) > -options_.curvature * slope_) {
            return false;
        }
        // On a parabola phi'(t) <= (2 c1 - 1) phi'(0) is the same as sufficient decrease, and it
        // is read off the slopes (Hager & Zhang 2005, approximate Wolfe conditions).
        return has_sufficient_decrease(trial) ||
               (is_level_with_start(trial) &&
                trial.slope <= (2 * options_.sufficient_decrease - 1) * slope_);
    }

    /// Whether an acceptable length lies below this trial: it is not finite, or too high, or the
    /// line rises there.
    bool is_beyond(const Trial& trial) const {
        return !std::isfinite(trial.value) || trial.slope >= 0 ||
               (!has_sufficient_decrease(trial) && !is_level_with_start(trial));
    }

  private:
    double value_;
    double slope_;
    LineSearchOptions options_;
};

/// The minimum of the cubic with these values and slopes (Nocedal & Wright 2006, equation 3.59);
/// NaN when it has none.
double cubic_minimum(const Trial& a, const Trial& b) {
    const double width = b.length - a.length;
    const double d1 = a.slope + b.slope - 3 * (b.value - a.value) / width;
    const double d2 = std::sqrt(d1 * d1 - a.slope * b.slope);
    return b.length - width * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2);
}

/// Where the straight line through the two slopes crosses zero.
double secant_root(const Trial& a, const Trial& b) {
    return a.length - a.slope * (b.length - a.length) / (b.slope - a.slope);
}

/// A length above `upper`, which is still short; `lower` is the short one before.
double extended(const Trial& lower, const Trial& upper) {
    constexpr double least = 2;
    constexpr double most = 10;
    const double root = upper.slope > lower.slope ? secant_root(lower, upper)
                                                  : std::numeric_limits<double>::infinity();
    return std::clamp(root, least * upper.length, most * upper.length);
}

/// A length between `lower`, which is short, and `upper`, which is beyond.
double interpolated(const Trial& lower, const Trial& upper, bool bisect) {
    constexpr double margin = 0.1;  // The least part of the bracket that a trial cuts off.
    const double width = upper.length - lower.length;
    const double middle = lower.length + width / 2;
    if (!std::isfinite(upper.value)) {
        return lower.length == 0 ? margin * upper.length : middle;
    }
    if (bisect) {
        return middle;
    }
    const double guess = is_level(lower.value, upper.value, lower.value) && upper.slope > 0
                             ? secant_root(lower, upper)
                             : cubic_minimum(lower, upper);
    return std::isnan(guess)
               ? middle
               : std::clamp(guess, lower.length + margin * width, upper.length - margin * width);
}

}  // namespace

std::optional<LineSearchResult> strong_wolfe_search(Objective& objective, const Vector& point,
                                                    const Evaluation& at_point,
                                                    const Vector& direction, double first_length,
                                                    const LineSearchOptions& options,
                                                    Index& evaluations) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const Trial start{
        .length = 0, .value = at_point.value, .slope = dot(at_point.gradient, direction)};
    const bool leads_downhill = start.slope < 0 && std::isfinite(start.slope);
    if (!leads_downhill || !std::isfinite(start.value)) {
        return std::nullopt;
    }
    const WolfeConditions wolfe(start.value, start.slope, options);

    // Along the line, psi(t) = phi(t) - phi(0) - c1 t phi'(0) is at most 0 and falling at `lower`,
    // and positive or rising at `upper`: its minimum between them satisfies the conditions.
    Trial lower = start;
    std::optional<Trial> upper;
    std::optional<LineSearchResult> best;
    double length = first_length;
    bool bisect = false;
    for (int trials = 0; trials < options.max_evaluations; ++trials) {
        Vector trial_point = point + length * direction;
        if (trial_point == point) {
            break;
        }
        ++evaluations;
        Evaluation at_trial = objective.evaluate(trial_point);
        Trial trial{
            .length = length, .value = at_trial.value, .slope = dot(at_trial.gradient, direction)};
        if (!is_finite(at_trial) || !std::isfinite(trial.slope)) {
            trial.value = infinity;
        }

        const bool is_accepted = std::isfinite(trial.value) && wolfe.hold_at(trial);
        const bool is_best = std::isfinite(trial.value) && wolfe.has_sufficient_decrease(trial) &&
                             (!best || trial.value < best->at_point.value);
        if (is_accepted || is_best) {
            best = LineSearchResult{.point = std::move(trial_point),
                                    .at_point = std::move(at_trial),
                                    .step_length = length,
                                    .is_accepted = is_accepted};
        }
        if (is_accepted) {
            return best;
        }

        const double width = upper ? upper->length - lower.length : infinity;
        const Trial previous = lower;
        (wolfe.is_beyond(trial) ? upper.emplace() : lower) = trial;
        if (upper) {
            // Interpolation that cut off less than half may do so again and again.
            bisect = upper->length - lower.length > width / 2;
            length = interpolated(lower, *upper, bisect);
            if (!(length > lower.length && length < upper->length)) {
                break;
            }
        } else {
            length = extended(previous, lower);
        }
    }
    return best;
}

}  // namespace paralogit::optim
