#include "paralogit/model/penalty.hpp"

#include <cmath>
#include <utility>

namespace paralogit::model {

Penalty::Penalty(double l2, double l1, Vector l2_factors, Vector l1_factors)
    : l1_(l1),
      l2_(l2),
      factors_(Factors{.l1 = std::move(l1_factors), .l2 = std::move(l2_factors)}) {}

double Penalty::value(const Eigen::Ref<const Vector>& coefficients) const {
    double squares = 0;
    double sizes = 0;
    for (Index j = 0; j < coefficients.size(); ++j) {
        const double w = coefficients[j];
        const double of_square = factors_ ? factors_->l2[j] : 1.0;
        // No penalty is 0 even where the square overflows.
        if (of_square != 0) {
            squares = std::fma(of_square * w, w, squares);
        }
        sizes += (factors_ ? factors_->l1[j] : 1.0) * std::abs(w);
    }
    return (l2_ == 0 ? 0.0 : 0.5 * l2_ * squares) + (l1_ == 0 ? 0.0 : l1_ * sizes);
}

void Penalty::add_gradient(const Eigen::Ref<const Vector>& coefficients,
                           Eigen::Ref<Vector> gradient) const {
    for (Index j = 0; j < coefficients.size(); ++j) {
        gradient[j] = std::fma(l2_of(j), coefficients[j], gradient[j]);
    }
}

}  // namespace paralogit::model
