#pragma once

#include <optional>

#include "paralogit/base/types.hpp"

namespace paralogit::model {

/// sum_j (l1_j |w_j| + l2_j/2 w_j^2). The intercept is never penalised, so it is not among the
/// coefficients.
class Penalty {
  public:
    /// The same for all features: l2/2 |w|^2 + l1 |w|_1. Both finite and >= 0.
    explicit Penalty(double l2, double l1 = 0) : l1_(l1), l2_(l2) {}

    /// The strengths times those of each feature: finite and >= 0  [d].
    Penalty(double l2, double l1, Vector l2_factors, Vector l1_factors);

    double l1() const { return l1_; }
    double l2() const { return l2_; }
    /// Whether it is the same for all features.
    bool is_even() const { return !factors_; }
    double l1_of(Index feature) const { return factors_ ? l1_ * factors_->l1[feature] : l1_; }
    double l2_of(Index feature) const { return factors_ ? l2_ * factors_->l2[feature] : l2_; }

    /// Summed in the order of the features: the same bits on every rank.
    double value(const Eigen::Ref<const Vector>& coefficients) const;

    /// gradient_j += l2_j w_j: that of the smooth part.
    void add_gradient(const Eigen::Ref<const Vector>& coefficients,
                      Eigen::Ref<Vector> gradient) const;

  private:
    struct Factors {
        Vector l1;
        Vector l2;
    };

    double l1_;
    double l2_;
    std::optional<Factors> factors_;
};

}  // namespace paralogit::model
