#pragma once

#include "paralogit/base/types.hpp"

namespace paralogit::model {

/// l2/2 |w|^2. The intercept is never penalised, so it is not among the coefficients.
class Penalty {
  public:
    /// `l2` is finite and >= 0.
    explicit Penalty(double l2) : l2_(l2) {}

    double l2() const { return l2_; }

    /// Summed in the order of the features: the same bits on every rank.
    double value(const Eigen::Ref<const Vector>& coefficients) const;

    /// gradient += l2 * w
    void add_gradient(const Eigen::Ref<const Vector>& coefficients,
                      Eigen::Ref<Vector> gradient) const;

  private:
    double l2_;
};

}  // namespace paralogit::model
