#include "update_rules.hpp"

#include <cmath>

namespace paralogit::optim {

namespace {

constexpr const char* velocity_key = "velocity";
constexpr const char* first_moment_key = "first_moment";
constexpr const char* second_moment_key = "second_moment";
constexpr const char* powers_key = "powers";
constexpr const char* squares_key = "squares";

/// Zeros before the first step.
Vector remembered(const State& state, const char* key) {
    const auto found = state.memory.find(key);
    return found == state.memory.end() ? Vector(Vector::Zero(state.point.size()))
                                       : Vector(found->second);
}

}  // namespace

Update::Update(const StochasticOptions& options, const State& state) : options_(options) {
    switch (options.rule) {
        case UpdateRule::sgd:
            if (options.momentum > 0) {
                velocity_ = remembered(state, velocity_key);
            }
            break;
        case UpdateRule::adam:
            first_moment_ = remembered(state, first_moment_key);
            second_moment_ = remembered(state, second_moment_key);
            powers_ = Vector::Ones(2);
            if (const auto found = state.memory.find(powers_key); found != state.memory.end()) {
                powers_ = found->second;
            }
            break;
        case UpdateRule::adagrad:
            squares_ = remembered(state, squares_key);
            break;
    }
}

void Update::apply(double rate, const Vector& gradient, Vector& point) {
    switch (options_.rule) {
        case UpdateRule::sgd:
            return apply_sgd(rate, gradient, point);
        case UpdateRule::adam:
            return apply_adam(rate, gradient, point);
        case UpdateRule::adagrad:
            return apply_adagrad(rate, gradient, point);
    }
}

void Update::apply_sgd(double rate, const Vector& gradient, Vector& point) {
    if (options_.momentum == 0) {
        point -= rate * gradient;
        return;
    }
    velocity_ = options_.momentum * velocity_ + gradient;
    if (options_.is_nesterov) {
        point -= rate * (gradient + options_.momentum * velocity_);
    } else {
        point -= rate * velocity_;
    }
}

void Update::apply_adam(double rate, const Vector& gradient, Vector& point) {
    const double beta1 = options_.beta1;
    const double beta2 = options_.beta2;
    powers_[0] *= beta1;
    powers_[1] *= beta2;
    first_moment_ = beta1 * first_moment_ + (1 - beta1) * gradient;
    second_moment_ = beta2 * second_moment_ + (1 - beta2) * gradient.cwiseProduct(gradient);
    const double length = rate / (1 - powers_[0]);
    const double unbiased = std::sqrt(1 - powers_[1]);
    for (Index j = 0; j < point.size(); ++j) {
        const double spread = std::sqrt(second_moment_[j]) / unbiased + options_.epsilon;
        // Where no gradient was ever met and epsilon is 0.
        point[j] -= spread == 0 ? 0 : length * (first_moment_[j] / spread);
    }
}

void Update::apply_adagrad(double rate, const Vector& gradient, Vector& point) {
    squares_ += gradient.cwiseProduct(gradient);
    for (Index j = 0; j < point.size(); ++j) {
        const double spread = std::sqrt(squares_[j]) + options_.epsilon;
        point[j] -= spread == 0 ? 0 : rate * (gradient[j] / spread);
    }
}

void Update::store(State& state) const {
    const auto put = [&](const char* key, const Vector& vector) {
        if (vector.size() > 0) {
            state.memory.insert_or_assign(key, Matrix(vector));
        }
    };
    put(velocity_key, velocity_);
    put(first_moment_key, first_moment_);
    put(second_moment_key, second_moment_);
    put(powers_key, powers_);
    put(squares_key, squares_);
}

std::vector<Vector*> Update::vectors() {
    std::vector<Vector*> vectors;
    for (Vector* const vector :
         {&velocity_, &first_moment_, &second_moment_, &powers_, &squares_}) {
        if (vector->size() > 0) {
            vectors.push_back(vector);
        }
    }
    return vectors;
}

}  // namespace paralogit::optim
