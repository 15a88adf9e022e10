#include "cg_path.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "ordered_sums.hpp"

namespace paralogit::optim {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// The t > 0 with |step + t direction| = radius, for |step| <= radius; in the form that cancels no
/// digits.
double length_to_border(const Vector& step, const Vector& direction, double radius) {
    const double a = dot(direction, direction);
    const double b = dot(step, direction);
    const double c = std::max(0.0, radius * radius - dot(step, step));
    const double root = std::sqrt(b * b + a * c);
    return b >= 0 ? c / (b + root) : (root - b) / a;
}

}  // namespace

CgPath::CgPath(CurvedObjective& objective, const Vector& point, const Vector& gradient,
               const CgOptions& options) {
    const double goal = options.forcing * euclidean_norm(gradient);
    Vector step = Vector::Zero(gradient.size());
    Vector residual = -gradient;
    Vector direction = residual;
    double squared = dot(residual, residual);
    while (products() < options.max_products) {
        const Vector product = objective.hessian_product(point, direction, options.thinning);
        const double curvature = dot(direction, product);
        const double length = squared / curvature;
        const bool has_end = curvature > 0 && std::isfinite(curvature) && std::isfinite(length);
        pieces_.push_back({.direction = direction,
                           .length = has_end ? length : infinity,
                           .slope = -squared,
                           .curvature = has_end ? curvature : 0.0});
        if (!has_end) {
            return;
        }
        step += length * direction;
        residual -= length * product;
        const double before = squared;
        squared = dot(residual, residual);
        const double norm = euclidean_norm(step);
        if (!(norm < options.radius) || !(std::sqrt(squared) > goal)) {
            return;
        }
        direction = residual + (squared / before) * direction;
    }
}

CgPath::Step CgPath::within(double radius) const {
    Step result{.step = Vector::Zero(pieces_.front().direction.size()),
                .model_value = 0,
                .is_at_border = false};
    const auto go = [&result](const Piece& piece, double length) {
        result.step += length * piece.direction;
        result.model_value += length * (piece.slope + length / 2 * piece.curvature);
    };
    for (const Piece& piece : pieces_) {
        if (std::isinf(radius) && std::isinf(piece.length)) {
            if (&piece == &pieces_.front()) {
                go(piece, std::min(1.0, 1 / euclidean_norm(piece.direction)));
            }
            return result;
        }
        const double border =
            std::isinf(radius) ? infinity : length_to_border(result.step, piece.direction, radius);
        result.is_at_border = border <= piece.length;
        go(piece, std::min(border, piece.length));
        if (result.is_at_border) {
            return result;
        }
    }
    return result;
}

}  // namespace paralogit::optim
