#include "cg_step.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "ordered_sums.hpp"

namespace paralogit::optim {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

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

/// The least t > 0 at which -slope t + curvature t^2 / 2 = -fall, for slope > 0; infinite where it
/// does not fall so far. In the form that cancels no digits and overflows nowhere.
double length_to_fall(double fall, double slope, double curvature) {
    const double discriminant = 1 - 2 * (curvature / slope) * (fall / slope);
    return discriminant >= 0 ? 2 * (fall / slope) / (1 + std::sqrt(discriminant)) : infinity;
}

/// Takes the step along the direction, the residual by what the product says of it, and returns the
/// square of the residual in the norm of M^-1: all in one way through memory, which with many
/// variables costs as much as the rows do.
double move_along(const Vector& direction, const Vector& product, double length,
                  const Metric& preconditioner, int threads, Vector& step, Vector& residual) {
    const double* __restrict__ const d = direction.data();
    const double* __restrict__ const h = product.data();
    const float* __restrict__ const m = preconditioner.parts.data();
    double* __restrict__ const s = step.data();
    double* __restrict__ const r = residual.data();
    return ordered_sum_of_chunks(direction.size(), threads,
                                 [=](Index j) {
                                     s[j] += length * d[j];
                                     r[j] -= length * h[j];
                                     return r[j] * r[j] / m[j];
                                 }) /
           preconditioner.unit;
}

/// Makes of the direction M^-1 times the residual, and a share of what it was.
void turn(const Vector& residual, const Metric& preconditioner, double share, int threads,
          Vector& direction) {
    const double* __restrict__ const r = residual.data();
    const float* __restrict__ const m = preconditioner.parts.data();
    double* __restrict__ const d = direction.data();
    const double inverse = 1 / preconditioner.unit;
    in_parts(residual.size(), threads, [=](Range part) {
        for (Index j = part.first; j < part.end; ++j) {
            d[j] = r[j] * inverse / m[j] + share * d[j];
        }
    });
}

double dot_of_chunks(const Vector& a, const Vector& b, int threads) {
    const double* const x = a.data();
    const double* const y = b.data();
    return ordered_sum_of_chunks(a.size(), threads, [=](Index j) { return x[j] * y[j]; });
}

}  // namespace

Metric::Metric(const Vector& diagonal, int threads) : parts(diagonal.size()) {
    constexpr double least = 1e-30;
    int exponent = 0;
    static_cast<void>(std::frexp(max_norm(diagonal), &exponent));
    // Its inverse has to be a number too.
    unit = std::ldexp(1.0, std::clamp(exponent, -1000, 1000));
    in_parts(diagonal.size(), threads, [&](Range part) {
        parts.segment(part.first, part.size()) = (diagonal.segment(part.first, part.size()) / unit)
                                                     .cwiseMax(least)
                                                     .cwiseMin(1.0)
                                                     .cast<float>();
    });
}

double squared_length(const Metric& metric, const Vector& step, int threads) {
    const float* const parts = metric.parts.data();
    const double unit = metric.unit;
    // In this order: the square of a step may be too large for a number.
    return ordered_sum_of_chunks(step.size(), threads,
                                 [&](Index j) { return unit * parts[j] * step[j] * step[j]; });
}

double squared_size(const Metric& metric, const Vector& gradient, int threads) {
    const float* const parts = metric.parts.data();
    return ordered_sum_of_chunks(gradient.size(), threads,
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
    is_at_bottom = false;
}

CgStep conjugate_gradients(CurvedObjective& objective, const Vector& point, const Vector& gradient,
                           const Metric& preconditioner, const CgOptions& options) {
    CgStep result{.step = Vector::Zero(gradient.size()),
                  .length = 0,
                  .slope = 0,
                  .curvature = 0,
                  .is_at_border = false,
                  .is_at_bottom = false,
                  .products = 0};
    const int threads = objective.threads();
    Vector residual = -gradient;
    Vector direction = Vector::Zero(gradient.size());
    Vector product;
    turn(residual, preconditioner, 0, threads, direction);
    double squared = dot_of_chunks(residual, direction, threads);
    const double goal = options.forcing * std::sqrt(squared);
    MetricProducts metric{.direction_squared = squared, .step_direction = 0, .step_squared = 0};
    double model_value = 0;
    while (result.products < options.max_products) {
        objective.hessian_product(point, direction, options.thinning, product);
        ++result.products;
        const double curvature = dot_of_chunks(direction, product, threads);
        const double end = squared / curvature;
        const bool has_end = curvature > 0 && std::isfinite(curvature) && std::isfinite(end);
        const double bend = has_end ? curvature : 0.0;
        const double border =
            std::isfinite(options.radius) ? length_to_border(metric, options.radius) : infinity;
        const double bottom =
            length_to_fall(std::max(0.0, options.most_decrease + model_value), squared, bend);
        const double farthest = std::min(border, bottom);
        const bool is_last = !has_end || farthest <= end;
        result.is_at_border = is_last && border <= bottom && std::isfinite(border);
        result.is_at_bottom = is_last && bottom < border;
        double length = is_last ? farthest : end;
        if (!std::isfinite(length)) {
            if (result.products > 1) {
                break;
            }
            length = std::min(1.0, 1 / std::sqrt(metric.direction_squared));
        }
        model_value += length * (-squared + length / 2 * bend);
        if (is_last) {
            result.step += length * direction;
            break;
        }
        const double before = squared;
        squared =
            move_along(direction, product, length, preconditioner, threads, result.step, residual);
        if (!(std::sqrt(squared) > goal)) {
            break;
        }
        metric.lengthen_step(length);
        metric.turn(squared, squared / before);
        turn(residual, preconditioner, squared / before, threads, direction);
    }
    result.length = std::sqrt(squared_length(preconditioner, result.step, threads));
    result.slope = dot_of_chunks(gradient, result.step, threads);
    result.curvature = 2 * (model_value - result.slope);
    return result;
}

}  // namespace paralogit::optim
