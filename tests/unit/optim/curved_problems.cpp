#include "curved_problems.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace paralogit::optim::test_problems {

Evaluation CurvedLogistic::evaluate(const Vector& point) {
    before_call();
    ++evaluations;
    return mean(point, 1);
}

Evaluation CurvedLogistic::evaluate_with_hessian(const Vector& point, Index thinning) {
    announced.emplace_back(point, thinning);
    return evaluate(point);
}

Evaluation CurvedLogistic::evaluate_thinned(const Vector& point, Index thinning) {
    before_call();
    thinned_evaluations.push_back(thinning);
    return mean(point, thinning);
}

Matrix CurvedLogistic::hessian(const Vector& point, Index thinning) {
    before_call();
    thinnings.push_back(thinning);
    const Index d = x_.rows();
    Matrix h = Matrix::Zero(d + 1, d + 1);
    double count = 0;
    for (Index i = 0; i < rows(); i += thinning) {
        const double weight = curvature(i, point);
        for (Index j = 0; j < d; ++j) {
            for (Index k = j; k < d; ++k) {
                h(k, j) += weight * x_(j, i) * x_(k, i);
            }
            h(d, j) += weight * x_(j, i);
        }
        h(d, d) += weight;
        ++count;
    }
    h /= count;
    for (Index j = 0; j < d; ++j) {
        h(j, j) += l2_;
        for (Index k = j + 1; k <= d; ++k) {
            h(j, k) = h(k, j);
        }
    }
    return h;
}

void CurvedLogistic::hessian_product(const Vector& point, const Vector& direction, Index thinning,
                                     Vector& product) {
    before_call();
    ++products;
    const Index d = x_.rows();
    product = Vector::Zero(d + 1);
    double count = 0;
    for (Index i = 0; i < rows(); i += thinning) {
        const double size = curvature(i, point) * margin(i, direction);
        for (Index j = 0; j < d; ++j) {
            product[j] += size * x_(j, i);
        }
        product[d] += size;
        ++count;
    }
    product /= count;
    for (Index j = 0; j < d; ++j) {
        product[j] += l2_ * direction[j];
    }
}

Vector CurvedLogistic::hessian_diagonal(const Vector& point, Index thinning) {
    before_call();
    ++diagonals;
    const Index d = x_.rows();
    Vector diagonal = Vector::Zero(d + 1);
    double count = 0;
    for (Index i = 0; i < rows(); i += thinning) {
        const double size = curvature(i, point);
        for (Index j = 0; j < d; ++j) {
            diagonal[j] += size * x_(j, i) * x_(j, i);
        }
        diagonal[d] += size;
        ++count;
    }
    diagonal /= count;
    diagonal.head(d).array() += l2_;
    return diagonal;
}

Evaluation CurvedLogistic::mean(const Vector& point, Index thinning) const {
    const Index d = x_.rows();
    Evaluation at{.value = 0, .gradient = Vector::Zero(d + 1)};
    double count = 0;
    for (Index i = 0; i < rows(); i += thinning) {
        const double z = margin(i, point);
        const double e = std::exp(-std::abs(z));
        at.value += std::max(z, 0.0) - y_[i] * z + std::log1p(e);
        const double slope = (z >= 0 ? 1 : e) / (1 + e) - y_[i];
        for (Index j = 0; j < d; ++j) {
            at.gradient[j] += slope * x_(j, i);
        }
        at.gradient[d] += slope;
        at.rows_wrong += (z > 0) == (y_[i] > 0.5) ? 0 : 1;
        ++count;
    }
    at.value /= count;
    at.gradient /= count;
    for (Index j = 0; j < d; ++j) {
        at.value += l2_ / 2 * point[j] * point[j];
        at.gradient[j] += l2_ * point[j];
    }
    return at;
}

double CurvedLogistic::margin(Index i, const Vector& parameters) const {
    double z = parameters[x_.rows()];
    for (Index j = 0; j < x_.rows(); ++j) {
        z += x_(j, i) * parameters[j];
    }
    return z;
}

double CurvedLogistic::curvature(Index i, const Vector& parameters) const {
    const double e = std::exp(-std::abs(margin(i, parameters)));
    return e / ((1 + e) * (1 + e));
}

CurvedLogistic correlated_rows(Index rows, Index features, double correlation, double l2,
                               double signal) {
    std::mt19937_64 engine(20240607);
    std::normal_distribution<double> normal;
    std::uniform_real_distribution<double> uniform;
    Matrix x(features, rows);
    Vector y(rows);
    const double size = signal / std::sqrt(static_cast<double>(features));
    for (Index i = 0; i < rows; ++i) {
        const double common = normal(engine);
        double margin = -0.5;
        for (Index j = 0; j < features; ++j) {
            x(j, i) = std::sqrt(correlation) * common + std::sqrt(1 - correlation) * normal(engine);
            margin += (j % 3 == 0 ? -size : size) * x(j, i);
        }
        y[i] = uniform(engine) < 1 / (1 + std::exp(-margin)) ? 1 : 0;
    }
    return {std::move(x), std::move(y), l2};
}

void CurvedFunction::hessian_product(const Vector& point, const Vector& direction, Index,
                                     Vector& product) {
    product = second_(point) * direction;
}

Vector CurvedFunction::hessian_diagonal(const Vector& point, Index) {
    return second_(point).diagonal();
}

CurvedLogistic rows_of(Data data, double l2) {
    switch (data) {
        case Data::tall:
            return correlated_rows(2000, 12, 0.5, l2);
        case Data::badly_scaled: {
            const CurvedLogistic tall = correlated_rows(2000, 12, 0.5, l2);
            Matrix x = tall.features();
            for (Index j = 0; j < x.rows(); ++j) {
                x.row(j) *= std::pow(1e-4, static_cast<double>(j) / 11);
            }
            return {x, tall.labels(), l2};
        }
        case Data::wide:
            return correlated_rows(40, 60, 0.5, l2);
        case Data::collinear: {
            const CurvedLogistic plain = correlated_rows(600, 12, 0.2, l2);
            Matrix x = plain.features();
            x.row(10) = x.row(0) + x.row(1);
            x.row(11) = x.row(2) - x.row(3);
            return {x, plain.labels(), l2};
        }
        case Data::separable: {
            const CurvedLogistic plain = correlated_rows(400, 8, 0.2, l2);
            Vector y = plain.labels();
            for (Index i = 0; i < y.size(); ++i) {
                y[i] = plain.features()(0, i) > plain.features()(1, i) ? 1 : 0;
            }
            return {plain.features(), y, l2};
        }
        case Data::idle_column: {
            const CurvedLogistic plain = correlated_rows(500, 7, 0.2, l2);
            Matrix x = plain.features();
            x.row(3).setZero();
            return {x, plain.labels(), l2};
        }
        case Data::few_positives:
            break;
    }
    const CurvedLogistic plain = correlated_rows(2000, 10, 0.2, l2);
    Vector y = plain.labels();
    for (Index i = 0; i < y.size(); ++i) {
        y[i] = i % 50 == 0 ? 1 : 0;
    }
    return {plain.features(), y, l2};
}

long double least_value(const CurvedLogistic& problem) {
    using LongVector = Eigen::Vector<long double, Eigen::Dynamic>;
    using LongMatrix = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;
    const Index d = problem.dimension() - 1;
    const Index n = problem.rows();
    LongMatrix x = LongMatrix::Ones(d + 1, n);
    x.topRows(d) = problem.features().cast<long double>();
    const LongVector y = problem.labels().cast<long double>();
    LongVector penalty = LongVector::Constant(d + 1, problem.l2());
    penalty[d] = 0;
    const auto value_at = [&](const LongVector& w) {
        const LongVector z = x.transpose() * w;
        long double sum = 0;
        for (Index i = 0; i < n; ++i) {
            sum += std::max(z[i], 0.0L) - y[i] * z[i] + std::log1p(std::exp(-std::abs(z[i])));
        }
        return sum / static_cast<long double>(n) + penalty.dot(w.cwiseAbs2()) / 2;
    };
    LongVector w = LongVector::Zero(d + 1);
    long double value = value_at(w);
    for (int k = 0; k < 60; ++k) {
        const LongVector z = x.transpose() * w;
        const LongVector p = z.unaryExpr([](long double m) { return 1 / (1 + std::exp(-m)); });
        const LongVector gradient =
            x * (p - y) / static_cast<long double>(n) + penalty.cwiseProduct(w);
        const LongVector weight = p.cwiseProduct(LongVector::Ones(n) - p);
        LongMatrix h = x * weight.asDiagonal() * x.transpose() / static_cast<long double>(n);
        h.diagonal() += penalty;
        h.diagonal().array() += 1e-16L;
        const LongVector step = h.ldlt().solve(gradient);
        long double length = 1;
        while (length > 1e-6L && !(value_at(w - length * step) < value)) {
            length /= 2;
        }
        if (length <= 1e-6L) {
            break;
        }
        w -= length * step;
        value = value_at(w);
    }
    return value;
}

CurvedFunction of_positive_numbers() {
    static constexpr double nowhere = std::numeric_limits<double>::quiet_NaN();
    return {1,
            [](const Vector& x) {
                return x[0] > 0
                           ? Evaluation{.value = x[0] - std::log(x[0]),
                                        .gradient = Vector::Constant(1, 1 - 1 / x[0])}
                           : Evaluation{.value = nowhere, .gradient = Vector::Constant(1, nowhere)};
            },
            [](const Vector& x) -> Matrix { return Matrix::Constant(1, 1, 1 / (x[0] * x[0])); }};
}

}  // namespace paralogit::optim::test_problems
