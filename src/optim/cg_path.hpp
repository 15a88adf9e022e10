#pragma once

#include <vector>

#include "paralogit/optim/objective.hpp"

namespace paralogit::optim {

struct CgOptions {
    Index thinning;  ///< of the Hessian products
    double radius;   ///< beyond which no more products are asked for; may be infinite
    double forcing;  ///< the residual to reach, as a part of the gradient
    Index max_products;
};

/// Minimises q(s) = gradient.s + s.H s / 2 by conjugate gradients from 0 (Hestenes & Stiefel 1952)
/// and keeps the way it went, which leads away from 0 all the time (Steihaug 1983, theorem 2.1). So
/// the step for any smaller radius can be read off it.
class CgPath {
  public:
    /// A step, q there, and whether the radius ended it.
    struct Step {
        Vector step;
        double model_value;
        bool is_at_border;
    };

    /// Ends with the forcing term, the border, the number of products, or a direction in which the
    /// curvature is not positive and finite; the way goes on along that one without end.
    CgPath(CurvedObjective& objective, const Vector& point, const Vector& gradient,
           const CgOptions& options);

    /// Where the way leaves the ball of this radius, else its end. Without end and with an infinite
    /// radius: the end before the last piece; of the first piece a part no longer than 1.
    Step within(double radius) const;

    Index products() const { return static_cast<Index>(pieces_.size()); }

  private:
    struct Piece {
        Vector direction;
        double length;     ///< infinite when nothing ends it
        double slope;      ///< of q along the direction, at the beginning: -|residual|^2
        double curvature;  ///< of q along the direction
    };

    std::vector<Piece> pieces_;
};

}  // namespace paralogit::optim
