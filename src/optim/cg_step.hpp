#pragma once

#include <limits>

#include "paralogit/optim/objective.hpp"

namespace paralogit::optim {

/// A diagonal matrix M with positive entries, `unit` times `parts`. That these are rounded to
/// single precision changes the way a little, not where it leads, and with many variables every
/// vector counts.
struct Metric {
    Eigen::VectorXf parts;  ///< 1e-30 to 1
    double unit;            ///< a power of two

    explicit Metric(const Vector& diagonal, int threads = 1);
};

/// |s|^2 in the norm of M, and of M^-1.
double squared_length(const Metric& metric, const Vector& step, int threads = 1);
double squared_size(const Metric& metric, const Vector& gradient, int threads = 1);

struct CgOptions {
    Index thinning;  ///< of the Hessian products
    double radius;   ///< that the step does not leave, in the norm of M; may be infinite
    double forcing;  ///< the residual to reach, as a part of the gradient, in the norm of M^-1
    Index max_products;
    /// The step ends where q promises to fall by so much, > 0: where the curvature vanishes it
    /// promises more than there is, and has no end.
    double most_decrease = std::numeric_limits<double>::infinity();
};

/// A step s and the model q(s) = gradient.s + s.H s / 2 along it.
struct CgStep {
    Vector step;
    double length;     ///< |s|, in the norm of M
    double slope;      ///< gradient.s
    double curvature;  ///< s.H s
    bool is_at_border;
    bool is_at_bottom;  ///< the most decrease
    Index products;

    double model_value() const { return slope + curvature / 2; }
    /// Keeps the part of it that is no longer than `radius`.
    void shorten_to(double radius);
};

/// Minimises q by conjugate gradients from 0 (Hestenes & Stiefel 1952), preconditioned by M, in
/// whose norm the way leads away from 0 all the time (Steihaug 1983, theorem 2.1). Ends with the
/// forcing term, at the border, at the most decrease, after the number of products, or with a
/// direction in which the curvature is not positive and finite: that one is followed to the border
/// or the most decrease; with neither it is left out, but for the first one, of which a part no
/// longer than 1 is taken. Memory: five vectors
/// beside the result.
CgStep conjugate_gradients(CurvedObjective& objective, const Vector& point, const Vector& gradient,
                           const Metric& preconditioner, const CgOptions& options);

}  // namespace paralogit::optim
