#include "row_span.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace paralogit::train {

namespace {

/// The part of its length that a vector has to have across the space to widen it.
constexpr double least_part = 1e-11;

}  // namespace

RowSpan::RowSpan(Index dimension) : basis_(dimension, 0) {
    std::mt19937_64 engine(1);
    for (Vector& probe : probes_) {
        probe.resize(dimension);
        for (Index j = 0; j < dimension; ++j) {
            probe[j] = std::ldexp(static_cast<double>(engine()), -64) - 0.5;
        }
    }
}

void RowSpan::add(const Vector& row, double rounding) {
    if (rank_ == row.size()) {
        return;
    }
    const double length = row.norm();
    const double noise = std::max(least_part * length, rounding);
    // A vector that is no part of the space has hardly ever nothing along two arbitrary directions.
    if (std::ranges::none_of(probes_, [&](const Vector& probe) {
            return std::abs(row.dot(probe)) > noise * probe.norm();
        })) {
        return;
    }
    Vector rest = across(row);
    const double left = rest.norm();
    if (!(left > noise)) {
        return;
    }
    if (rank_ == basis_.cols()) {
        constexpr Index few = 8;
        basis_.conservativeResize(Eigen::NoChange, std::min(row.size(), std::max(few, 2 * rank_)));
    }
    rest /= left;
    // What is left may be the small difference of large parts.
    rest = across(std::move(rest));
    rest.normalize();
    basis_.col(rank_) = rest;
    ++rank_;
    for (Vector& probe : probes_) {
        probe -= rest * rest.dot(probe);
    }
}

void RowSpan::add(const Matrix& basis) {
    for (Index k = 0; k < basis.cols(); ++k) {
        add(Vector(basis.col(k)), least_part);
    }
}

Vector RowSpan::across(Vector vector) const {
    for (Index k = 0; k < rank_; ++k) {
        vector -= basis_.col(k) * basis_.col(k).dot(vector);
    }
    return vector;
}

}  // namespace paralogit::train
