#include "quasi_newton.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace paralogit::optim {

namespace {

constexpr const char* s_key = "s";
constexpr const char* y_key = "y";
constexpr const char* oldest_key = "oldest";

const Matrix& remembered(const State& state, const char* key, const Matrix& none) {
    const auto found = state.memory.find(key);
    return found == state.memory.end() ? none : found->second;
}

/// Whether the pair describes a positive definite Hessian, beyond the reach of rounding. The form
/// s.y > epsilon |s| |y| is scale free (Byrd, Lu, Nocedal & Zhu 1995 compare with |y|^2). By
/// Kantorovich's inequality s.y / (|s| |y|) is at least 2 / sqrt(condition number) for a quadratic:
/// the bound leaves out what only a Hessian that is singular in double arithmetic can give.
bool is_trusted(const Vector& s, const Vector& y) {
    const double least_cosine = std::sqrt(std::numeric_limits<double>::epsilon());
    const double curvature = dot(s, y);
    const double squared_y = dot(y, y);
    return std::isnormal(squared_y) && std::isnormal(curvature) &&
           curvature > least_cosine * euclidean_norm(s) * euclidean_norm(y);
}

}  // namespace

Pairs Pairs::of(const State& state, const Matrix& none) {
    const auto oldest = state.memory.find(oldest_key);
    return {.s = remembered(state, s_key, none),
            .y = remembered(state, y_key, none),
            .oldest = oldest == state.memory.end() ? 0 : static_cast<Index>(oldest->second(0, 0))};
}

void remember_pair(std::map<std::string, Matrix>& memory, const Vector& s, const Vector& y,
                   Index history) {
    const Matrix none(s.size(), 0);
    Matrix& all_s = memory.try_emplace(s_key, none).first->second;
    Matrix& all_y = memory.try_emplace(y_key, none).first->second;
    if (!is_trusted(s, y)) {
        return;
    }
    const Index pairs = all_s.cols();
    Index column = pairs;
    if (pairs < history) {
        // The columns lie one after the other, so that large ones stay where they are.
        all_s.conservativeResize(Eigen::NoChange, pairs + 1);
        all_y.conservativeResize(Eigen::NoChange, pairs + 1);
    } else {
        Matrix& oldest = memory.try_emplace(oldest_key, Matrix::Zero(1, 1)).first->second;
        column = static_cast<Index>(oldest(0, 0));
        oldest(0, 0) = static_cast<double>((column + 1) % pairs);
    }
    all_s.col(column) = s;
    all_y.col(column) = y;
}

void forget_pairs(std::map<std::string, Matrix>& memory, Index dimension) {
    memory.insert_or_assign(s_key, Matrix(dimension, 0));
    memory.insert_or_assign(y_key, Matrix(dimension, 0));
    memory.erase(oldest_key);
}

Vector steepest_direction(const Vector& gradient) {
    return -std::min(1.0, 1 / euclidean_norm(gradient)) * gradient;
}

}  // namespace paralogit::optim
