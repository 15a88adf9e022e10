#include "paralogit/model/aliasing_cholesky.hpp"

#include <cmath>

#include "paralogit/base/error.hpp"

namespace paralogit::model {

namespace {

/// y -= factor * x over `count` numbers: no sum that a compiler could split.
void subtract(double factor, const double* x, Index count, double* y) {
    for (Index i = 0; i < count; ++i) {
        y[i] -= factor * x[i];
    }
}

}  // namespace

AliasingCholesky AliasingCholesky::factor(Matrix matrix, double least_share) {
    const Index n = matrix.rows();
    AliasingCholesky result;
    result.scale_ = Vector::Zero(n);
    result.is_kept_.assign(static_cast<std::size_t>(n), false);
    for (Index j = 0; j < n; ++j) {
        const double diagonal = matrix(j, j);
        result.scale_[j] = diagonal > 0 ? 1 / std::sqrt(diagonal) : 0.0;
    }
    for (Index j = 0; j < n; ++j) {
        for (Index i = j; i < n; ++i) {
            if (!std::isfinite(matrix(i, j))) {
                throw Error(ExitCode::internal, "internal error: a matrix to factor is not finite");
            }
            matrix(i, j) *= result.scale_[i] * result.scale_[j];
        }
    }
    for (Index j = 0; j < n; ++j) {
        double* column = matrix.col(j).data();
        // The diagonal began as 1.
        const double pivot = column[j];
        if (!(pivot > least_share) || result.scale_[j] == 0) {
            // What is left of a combination of earlier ones is rounding: it goes out of the way.
            for (Index i = j; i < n; ++i) {
                column[i] = 0;
            }
            continue;
        }
        result.is_kept_[static_cast<std::size_t>(j)] = true;
        result.kept_.push_back(j);
        const double root = std::sqrt(pivot);
        column[j] = root;
        for (Index i = j + 1; i < n; ++i) {
            column[i] /= root;
        }
        for (Index k = j + 1; k < n; ++k) {
            subtract(column[k], column + k, n - k, matrix.col(k).data() + k);
        }
    }
    result.factor_ = std::move(matrix);
    return result;
}

Vector AliasingCholesky::solve(const Vector& b) const {
    const Index n = factor_.rows();
    Vector x = Vector::Zero(n);
    for (const Index j : kept_) {
        x[j] = b[j] * scale_[j];
    }
    for (const Index j : kept_) {
        x[j] /= factor_(j, j);
        subtract(x[j], factor_.col(j).data() + j + 1, n - j - 1, x.data() + j + 1);
    }
    for (auto position = kept_.rbegin(); position != kept_.rend(); ++position) {
        const Index j = *position;
        double sum = x[j];
        for (Index i = j + 1; i < n; ++i) {
            if (is_kept_[static_cast<std::size_t>(i)]) {
                sum -= factor_(i, j) * x[i];
            }
        }
        x[j] = sum / factor_(j, j);
    }
    for (Index j = 0; j < n; ++j) {
        x[j] = is_kept_[static_cast<std::size_t>(j)] ? x[j] * scale_[j] : 0.0;
    }
    return x;
}

std::vector<Alias> AliasingCholesky::aliases() const {
    const Index n = factor_.rows();
    std::vector<Alias> aliases;
    for (Index j = 0; j < n; ++j) {
        if (is_kept_[static_cast<std::size_t>(j)]) {
            continue;
        }
        // L_kk f = l_j over the kept variables before it, from the last one on.
        Alias alias{.variable = j, .factors = Vector::Zero(n)};
        for (auto position = kept_.rbegin(); position != kept_.rend(); ++position) {
            const Index k = *position;
            if (k >= j || scale_[j] == 0) {
                continue;
            }
            double sum = factor_(j, k);
            for (Index i = k + 1; i < j; ++i) {
                sum -= factor_(i, k) * alias.factors[i];
            }
            alias.factors[k] = sum / factor_(k, k);
        }
        for (Index k = 0; k < j && scale_[j] != 0; ++k) {
            alias.factors[k] *= scale_[k] / scale_[j];
        }
        aliases.push_back(std::move(alias));
    }
    return aliases;
}

Matrix AliasingCholesky::inverse() const {
    const Index n = factor_.rows();
    // M = inverse of L, column by column; then the rows of M, one after the other, add up to M'M.
    Matrix inverse_factor = Matrix::Zero(n, n);
    for (const Index j : kept_) {
        double* column = inverse_factor.col(j).data();
        column[j] = 1;
        for (Index k = j; k < n; ++k) {
            if (is_kept_[static_cast<std::size_t>(k)] && column[k] != 0) {
                column[k] /= factor_(k, k);
                subtract(column[k], factor_.col(k).data() + k + 1, n - k - 1, column + k + 1);
            } else {
                column[k] = 0;
            }
        }
    }
    const Matrix rows = inverse_factor.transpose();
    Matrix inverse = Matrix::Zero(n, n);
    for (const Index k : kept_) {
        const double* row = rows.col(k).data();
        for (Index j = 0; j <= k; ++j) {
            subtract(-row[j], row + j, k - j + 1, inverse.col(j).data() + j);
        }
    }
    for (Index j = 0; j < n; ++j) {
        for (Index i = j; i < n; ++i) {
            inverse(i, j) *= scale_[i] * scale_[j];
            inverse(j, i) = inverse(i, j);
        }
    }
    return inverse;
}

}  // namespace paralogit::model
