#pragma once

#include <optional>

#include "paralogit/base/types.hpp"

namespace paralogit::optim {

/// A = L L' of a positive definite matrix A [n x n], L lower triangular.
/// Right-looking by panels of 64 columns. Every element of L is a chain of multiplications and
/// subtractions whose order is a function of n alone: no tile of the code splits a sum over k, and
/// there is no fused multiply-add. So the bits do not depend on the instruction set or on caches,
/// as those of Eigen's factorisation do.
class Cholesky {
  public:
    /// Reads the lower triangle. Empty unless every pivot is finite and, beyond rounding, above 0:
    /// above least_pivot times the diagonal entry that it began as, which does not depend on how
    /// the variables are scaled.
    /// Cost: n^3 / 3 flops.
    static std::optional<Cholesky> factor(Matrix matrix);

    /// The factor of A + ridge * diag(|a_jj|, but no less than 1e-8 of the largest), with the
    /// smallest ridge among 0, 1e-12, 1e-10, ... that lets it succeed: a positive definite matrix
    /// near A for any A that is finite (Levenberg 1944, scaled after Marquardt 1963). Empty when A
    /// is not finite or 0.
    static std::optional<Cholesky> factor_with_ridge(Matrix matrix);

    /// x with A x = b. Cost: 2 n^2 flops.
    Vector solve(const Vector& b) const;

    /// The least of the pivots, each as a part of the diagonal entry that it began as: what is left
    /// of a variable that the ones before it do not tell.
    double least_part_left() const { return least_part_left_; }

    static constexpr double least_pivot = 1e-13;

  private:
    Cholesky(Matrix factor, const Vector& diagonal);

    Matrix factor_;  ///< L in the lower triangle; the upper one is left over from A
    double least_part_left_ = 1;
};

}  // namespace paralogit::optim
