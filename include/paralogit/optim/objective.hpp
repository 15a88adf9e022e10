#pragma once

#include <optional>

#include "paralogit/base/threads.hpp"
#include "paralogit/base/types.hpp"

namespace paralogit::optim {

/// What an objective says about one point.
struct Evaluation {
    double value = 0;
    Vector gradient;
    /// A count that the objective reports beside the value (rows on the wrong side); solvers pass
    /// it through unread.
    Index rows_wrong = 0;
};

/// A differentiable function of a vector. A pure function: the same point gives the same bits, on
/// every rank.
class Objective {
  public:
    virtual ~Objective() = default;

    virtual Index dimension() const = 0;

    /// Value and gradient at `point`. They may be infinite or NaN, which a solver must survive. May
    /// throw; a solver's state is then unchanged. Costs one pass over the data.
    virtual Evaluation evaluate(const Vector& point) = 0;
};

/// An objective that also tells its curvature, from all rows or from a fixed part of them: one
/// of each `thinning` rows, a power of two in [1, most_thinning()]. What it tells is that of a mean
/// over those rows, penalty included, so its size does not depend on the thinning.
class CurvedObjective : public Objective {
  public:
    /// As many rows of equal weight tell as much as those that the value is a mean of.
    virtual Index rows() const = 0;
    virtual Index most_thinning() const = 0;

    /// The most that evaluate_thinned takes; 1 where parts of the rows have no use of their own.
    virtual Index most_thinning_of_evaluation() const { return most_thinning(); }

    /// Value and gradient of the mean over those rows. Costs a 1/thinning-th part of a pass.
    virtual Evaluation evaluate_thinned(const Vector& point, Index thinning) = 0;

    /// evaluate(), where rough_hessian() of that thinning is asked for next at the same point: an
    /// objective may make both in one pass, with the same bits.
    virtual Evaluation evaluate_with_hessian(const Vector& point, Index /*thinning*/) {
        return evaluate(point);
    }

    /// Second derivatives [dimension x dimension], both triangles. May hold infinities or NaN.
    /// Costs dimension^2 flops for each of the rows / thinning, and a message of that many sums.
    virtual Matrix hessian(const Vector& point, Index thinning) = 0;

    /// hessian() about: an entry errs by 1e-5 sqrt(h_jj h_kk) at most, mostly by less than a
    /// hundredth of that, of a part of the rows. Costs half as much, where the objective has one.
    virtual Matrix rough_hessian(const Vector& point, Index thinning) {
        return hessian(point, thinning);
    }

    /// The Hessian times `direction` to `product`, without the matrix. Costs a 1/thinning-th part
    /// of a pass.
    virtual void hessian_product(const Vector& point, const Vector& direction, Index thinning,
                                 Vector& product) = 0;

    /// The diagonal of the Hessian. Costs what evaluate_thinned does, about.
    virtual Vector hessian_diagonal(const Vector& point, Index thinning) = 0;

    /// Variables whose best values the objective can tell, whatever the others are, and which
    /// follow these. Directions, products, diagonals and preconditioners are of the others alone,
    /// as these see the function then. None, mostly.
    virtual Range following() const { return {}; }
    /// evaluate(), after those variables have gone where they are best; their part of the gradient
    /// is 0. Curvature is told at such points only.
    virtual Evaluation evaluate_at_best(Vector& point) { return evaluate(point); }

    /// As many as vectors of this dimension are worth.
    virtual int threads() const { return 1; }

    /// A positive diagonal to stand for the Hessian in conjugate gradients, where the objective
    /// knows of a better one than its own diagonal. At the cost of that.
    virtual std::optional<Vector> preconditioner(const Vector& /*point*/) { return std::nullopt; }
};

}  // namespace paralogit::optim
