#include "run_state.hpp"

#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace paralogit::train {

void RunState::complete(const DataSet& data) {
    // What the C library keeps of freed vectors would come on top.
    malloc_trim(0);
    checkpoint.centre.swap(change.centre);
    checkpoint.scale.swap(change.scale);
    if (starts_at_zero_) {
        checkpoint.start_parameters = Vector::Zero(checkpoint.state.point.size());
    }
    checkpoint.exponents.reserve(data.bounds.sum_exponents.size() + 1);
    checkpoint.exponents.assign(data.bounds.sum_exponents.begin(), data.bounds.sum_exponents.end());
    checkpoint.exponents.push_back(data.bounds.weight_exponent);
}

void RunState::reduce() {
    checkpoint.centre.swap(change.centre);
    checkpoint.scale.swap(change.scale);
    // An empty list would leave its memory to the vector.
    checkpoint.exponents = std::vector<Index>();
    if (starts_at_zero_) {
        checkpoint.start_parameters = {};
    }
}

void RunState::forget_zeros() {
    starts_at_zero_ = std::ranges::all_of(checkpoint.start_parameters, [](double value) {
        return value == 0 && !std::signbit(value);
    });
    if (starts_at_zero_) {
        checkpoint.start_parameters = {};
    }
}

Vector RunState::parameters(int threads) const {
    if (polished_) {
        return *polished_;
    }
    const Vector& point = checkpoint.state.point;
    // The variables of columns that are left alone are 0.
    return change.to_parameters(point, starts_at_zero_ ? point : checkpoint.start_parameters,
                                threads);
}

}  // namespace paralogit::train
