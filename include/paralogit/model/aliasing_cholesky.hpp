#pragma once

#include <optional>
#include <vector>

#include "paralogit/base/types.hpp"

namespace paralogit::model {

/// A variable that is a combination of earlier ones: column `variable` of the design is the sum of
/// factors[k] times column k, as far as the matrix can tell.
struct Alias {
    Index variable;
    Vector factors;  ///< [n]; 0 for variables after it, and for other aliases
};

/// A = L L' of a positive semidefinite matrix A [n x n], which leaves out each variable that the
/// ones before it determine, as R's lm and glm do. The order of all operations is a function of n
/// alone, without fused multiply-adds.
class AliasingCholesky {
  public:
    /// Reads the lower triangle. A variable with less than `least_share` of its diagonal entry left
    /// by the ones before it (1 - R^2 in a regression on them), or without a positive one, is left
    /// out. Cost: n^3 / 3 flops. Throws Error (internal) when A is not finite.
    static AliasingCholesky factor(Matrix matrix, double least_share = 1e-12);

    /// The variables that are kept, in increasing order.
    const std::vector<Index>& kept() const { return kept_; }
    Index rank() const { return static_cast<Index>(kept_.size()); }

    /// What the others are made of.
    std::vector<Alias> aliases() const;

    /// The inverse over the variables that are kept, 0 elsewhere. Cost: 2 n^3 / 3 flops.
    Matrix inverse() const;

    /// x with A x = b over the variables that are kept, 0 elsewhere. Cost: 2 n^2 flops.
    Vector solve(const Vector& b) const;

  private:
    AliasingCholesky() = default;

    Matrix factor_;  ///< L in the lower triangle
    Vector scale_;   ///< A is scaled to a diagonal of ones: 1 / sqrt(a_jj)
    std::vector<Index> kept_;
    std::vector<bool> is_kept_;
};

}  // namespace paralogit::model
