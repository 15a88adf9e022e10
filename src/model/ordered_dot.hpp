#pragma once

#include "paralogit/base/types.hpp"

namespace paralogit::model {

/// Written out, for Eigen's own sum has an order that depends on the instruction set.
inline double dot(const Vector& x, const Vector& y) {
    double sum = 0;
    for (Index i = 0; i < x.size(); ++i) {
        sum += x[i] * y[i];
    }
    return sum;
}

}  // namespace paralogit::model
