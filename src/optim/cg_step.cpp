#include "cg_step.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "ordered_sums.hpp"

namespace paralogit::optim {

namespace {

/// What the norm of M says of a step and a direction. It follows from one iteration to the next,
/// because residuals are orthogonal to all directions before them (Steihaug 1983).
struct MetricProducts {
    double direction_squared;
    double step_direction;
    double step_squared;

    void lengthen_step(double length) {
        step_squared += length * (2 * step_direction + length * direction_squared);
        step_direction += length * direction_squared;
    }
    /// The next direction is that of the residual, and `share` times this one.
    void turn(double residual_squared, double share) {
        direction_squared = residual_squared + share * share * direction_squared;
        step_direction *= share;
    }
};

/// The t > 0 with |step + t direction| = radius, for |step| <= radius; in the form that cancels no
/// digits.
double length_to_border(const MetricProducts& in, double radius) {
    const double a = in.direction_squared;
    const double b = in.step_direction;
    const double c = std::max(0.0, radius * radius - in.step_squared);
    const double root = std::sqrt(b * b + a * c);
    return b >= 0 ? c / (b + root) : (root - b) / a;
}

/// Takes the step along the direction, the residual by what the product says of it, and returns the
/// square of the residual in the norm of M^-1: all in one way through memory, which with many
/// variables costs as much as the rows do.
double move_along(const Vector& direction, const Vector& product, double length,
                  const Metric& preconditioner, Vector& step, Vector& residual) {
    const double* __restrict__ const d = direction.data();
    const double* __restrict__ const h = product.data();
    const float* __restrict__ const m = preconditioner.parts.data();
    double* __restrict__ const s = step.data();
    double* __restrict__ const r = residual.data();
    return ordered_sum(direction.size(),
                       [=](Index j) {
                           s[j] += length * d[j];
                           r[j] -= length * h[j];
                           return r[j] * r[j] / m[j];
                       }) /
           preconditioner.unit;
}

/// Makes of the direction M^-1 times the residual, and a share of what it was.
void turn(const Vector& residual, const Metric& preconditioner, double share, Vector& direction) {
    const double* __restrict__ const r = residual.data();
    const float* __restrict__ const m = preconditioner.parts.data();
    double* __restrict__ const d = direction.data();
    const double inverse = 1 / preconditioner.unit;
    for (Index j = 0; j < residual.size(); ++j) {
        d[j] = r[j] * inverse / m[j] + share * d[j];
    }
}

}  // namespace

Metric::Metric(const Vector& diagonal) {
    constexpr double least = 1e-30;
    int exponent = 0;
    static_cast<void>(std::frexp(max_norm(diagonal), &exponent));
    // Its inverse has to be a number too.
    unit = std::ldexp(1.0, std::clamp(exponent, -1000, 1000));
    parts = (diagonal / unit).cwiseMax(least).cwiseMin(1.0).cast<float>();
}

double squared_length(const Metric& metric, const Vector& step) {
    const float* const parts = metric.parts.data();
    const double unit = metric.unit;
    // In this order: the square of a step may be too large for a number.
    return ordered_sum(step.size(), [&](Index j) { return unit * parts[j] * step[j] * step[j]; });
}

double squared_size(const Metric& metric, const Vector& gradient) {
    const float* const parts = metric.parts.data();
    return ordered_sum(gradient.size(),
                       [&](Index j) { return gradient[j] * gradient[j] / parts[j]; }) /
           metric.unit;
}

void CgStep::shorten_to(double radius) {
    const double part = radius / length;
    if (!(part < 1)) {
        return;
    }
    step *= part;
    length = radius;
    slope *= part;
    curvature *= part * part;
    is_at_border = true;
}

CgStep conjugate_gradients(CurvedObjective& objective, const Vector& point, const Vector& gradient,
                           const Metric& preconditioner, const CgOptions& options) {
    CgStep result{.step = Vector::Zero(gradient.size()),
                  .length = 0,
                  .slope = 0,
                  .curvature = 0,
                  .is_at_border = false,
                  .products = 0};
    Vector residual = -gradient;
    Vector direction = Vector::Zero(gradient.size());
    turn(residual, preconditioner, 0, direction);
    double squared = dot(residual, direction);
    const double goal = options.forcing * std::sqrt(squared);
    MetricProducts metric{.direction_squared = squared, .step_direction = 0, .step_squared = 0};
    double model_value = 0;
    while (result.products < options.max_products) {
        const Vector product = objective.hessian_product(point, direction, options.thinning);
        ++result.products;
        const double curvature = dot(direction, product);
        double length = squared / curvature;
        const bool has_end = curvature > 0 && std::isfinite(curvature) && std::isfinite(length);
        if (std::isfinite(options.radius)) {
            const double border = length_to_border(metric, options.radius);
            result.is_at_border = !has_end || border <= length;
            length = result.is_at_border ? border : length;
        } else if (!has_end) {
            if (result.products > 1) {
                break;
            }
            length = std::min(1.0, 1 / std::sqrt(metric.direction_squared));
        }
        model_value += length * (-squared + (has_end ? length / 2 * curvature : 0.0));
        if (result.is_at_border || !has_end) {
            result.step += length * direction;
            break;
        }
        const double before = squared;
        squared = move_along(direction, product, length, preconditioner, result.step, residual);
        if (!(std::sqrt(squared) > goal)) {
            break;
        }
        metric.lengthen_step(length);
        metric.turn(squared, squared / before);
        turn(residual, preconditioner, squared / before, direction);
    }
    result.length = std::sqrt(squared_length(preconditioner, result.step));
    result.slope = dot(gradient, result.step);
    result.curvature = 2 * (model_value - result.slope);
    return result;
}

}  // namespace paralogit::optim
