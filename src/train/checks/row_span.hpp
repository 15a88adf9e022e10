#pragma once

#include <array>

#include "paralogit/base/types.hpp"

namespace paralogit::train {

/// The space that vectors span, from one look at each: most lie in the space of the ones before and
/// cost a product with each of two probes.
class RowSpan {
  public:
    explicit RowSpan(Index dimension);

    /// `rounding` bounds how far from what it stands for the vector may be.
    void add(const Vector& row, double rounding);
    /// All that spans another one, after what is here.
    void add(const Matrix& basis);

    Index rank() const { return rank_; }
    /// Orthonormal, in the order in which they were found  [dimension, rank].
    Matrix basis() const { return basis_.leftCols(rank_); }
    /// What is left of a vector across the space.
    Vector across(Vector vector) const;

  private:
    Matrix basis_;  ///< in its first columns
    Index rank_ = 0;
    std::array<Vector, 2> probes_;  ///< arbitrary vectors, across the space so far
};

}  // namespace paralogit::train
