#include "quasi_newton.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace paralogit::optim {

namespace {

constexpr const char* s_key = "s";
constexpr const char* y_key = "y";

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

/// The columns with one more; the oldest make room beyond `history`.
Matrix appended(const Matrix& columns, const Vector& newest, Index history) {
    const Index kept = std::min<Index>(columns.cols(), history - 1);
    Matrix result(newest.size(), kept + 1);
    result.leftCols(kept) = columns.rightCols(kept);
    result.col(kept) = newest;
    return result;
}

}  // namespace

Pairs Pairs::of(const State& state, const Matrix& none) {
    return {.s = remembered(state, s_key, none), .y = remembered(state, y_key, none)};
}

void remember_pairs(std::map<std::string, Matrix>& memory, const Pairs& pairs, const Vector& s,
                    const Vector& y, Index history) {
    const bool is_kept = is_trusted(s, y);
    memory.insert_or_assign(s_key, is_kept ? appended(pairs.s, s, history) : pairs.s);
    memory.insert_or_assign(y_key, is_kept ? appended(pairs.y, y, history) : pairs.y);
}

void forget_pairs(std::map<std::string, Matrix>& memory, const Matrix& none) {
    memory.insert_or_assign(s_key, none);
    memory.insert_or_assign(y_key, none);
}

Vector steepest_direction(const Vector& gradient) {
    return -std::min(1.0, 1 / euclidean_norm(gradient)) * gradient;
}

}  // namespace paralogit::optim
