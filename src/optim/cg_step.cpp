#include "cg_step.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "ordered_sums.hpp"

namespace paralogit::optim {

namespace {

/// What the norm of M says of a step and a direction.
struct MetricProducts {
    double direction_squared;
    double step_direction;
    double step_squared;
};

MetricProducts products_in(const Vector& metric, const Vector& step, const Vector& direction) {
    return {.direction_squared = weighted_dot(metric, direction, direction),
            .step_direction = weighted_dot(metric, step, direction),
            .step_squared = weighted_dot(metric, step, step)};
}

/// The t > 0 with |step + t direction| = radius, for |step| <= radius; in the form that cancels no
/// digits.
double length_to_border(const MetricProducts& in, double radius) {
    const double a = in.direction_squared;
    const double b = in.step_direction;
    const double c = std::max(0.0, radius * radius - in.step_squared);
    const double root = std::sqrt(b * b + a * c);
    return b >= 0 ? c / (b + root) : (root - b) / a;
}

}  // namespace

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
                           const Vector& preconditioner, const CgOptions& options) {
    CgStep result{.step = Vector::Zero(gradient.size()),
                  .length = 0,
                  .slope = 0,
                  .curvature = 0,
                  .is_at_border = false,
                  .products = 0};
    Vector residual = -gradient;
    Vector direction = residual.cwiseQuotient(preconditioner);
    double squared = dot(residual, direction);
    const double goal = options.forcing * std::sqrt(squared);
    double model_value = 0;
    while (result.products < options.max_products) {
        const Vector product = objective.hessian_product(point, direction, options.thinning);
        ++result.products;
        const double curvature = dot(direction, product);
        double length = squared / curvature;
        const bool has_end = curvature > 0 && std::isfinite(curvature) && std::isfinite(length);
        const MetricProducts metric = products_in(preconditioner, result.step, direction);
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
        result.step += length * direction;
        model_value += length * (-squared + (has_end ? length / 2 * curvature : 0.0));
        if (result.is_at_border || !has_end) {
            break;
        }
        residual -= length * product;
        const double before = squared;
        squared = squares_over(preconditioner, residual);
        if (!(std::sqrt(squared) > goal)) {
            break;
        }
        direction = residual.cwiseQuotient(preconditioner) + (squared / before) * direction;
    }
    result.length = std::sqrt(weighted_dot(preconditioner, result.step, result.step));
    result.slope = dot(gradient, result.step);
    result.curvature = 2 * (model_value - result.slope);
    return result;
}

}  // namespace paralogit::optim
