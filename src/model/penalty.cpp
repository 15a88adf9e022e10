#include "paralogit/model/penalty.hpp"

#include <cmath>

namespace paralogit::model {

double Penalty::value(const Eigen::Ref<const Vector>& coefficients) const {
    // No penalty is 0 even where the squares overflow.
    if (l2_ == 0) {
        return 0;
    }
    double squares = 0;
    for (Index j = 0; j < coefficients.size(); ++j) {
        squares = std::fma(coefficients[j], coefficients[j], squares);
    }
    return 0.5 * l2_ * squares;
}

void Penalty::add_gradient(const Eigen::Ref<const Vector>& coefficients,
                           Eigen::Ref<Vector> gradient) const {
    for (Index j = 0; j < coefficients.size(); ++j) {
        gradient[j] = std::fma(l2_, coefficients[j], gradient[j]);
    }
}

}  // namespace paralogit::model
