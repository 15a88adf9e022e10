#include "cholesky.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "ordered_sums.hpp"

namespace paralogit::optim {

namespace {

constexpr Index panel_width = 64;
constexpr Index tile_rows = 8;
constexpr Index tile_columns = 2;

/// Factors the columns [begin, end) from the diagonal down, column by column; what the columns
/// before `begin` contribute has been subtracted. False when a pivot fails.
bool factor_panel(Matrix& a, const Vector& diagonal, Index begin, Index end) {
    const Index n = a.rows();
    for (Index k = begin; k < end; ++k) {
        const double pivot = a(k, k);
        if (!(pivot > Cholesky::least_pivot * diagonal[k]) || !std::isfinite(pivot)) {
            return false;
        }
        double* column = &a(0, k);
        column[k] = std::sqrt(pivot);
        for (Index i = k + 1; i < n; ++i) {
            column[i] /= column[k];
        }
        for (Index j = k + 1; j < end; ++j) {
            double* other = &a(0, j);
            const double factor = column[j];
            for (Index i = j; i < n; ++i) {
                other[i] -= column[i] * factor;
            }
        }
    }
    return true;
}

/// The rows of a panel below its diagonal block, packed for the update: strips of tile_rows rows,
/// each with its columns one after the other; the last strip is filled up with zeros.
class PackedRows {
  public:
    PackedRows(const Matrix& a, Index begin, Index end)
        : first_(end), depth_(end - begin), rows_(a.rows() - end) {
        const Index strips = (rows_ + tile_rows - 1) / tile_rows;
        values_.assign(static_cast<std::size_t>(strips * tile_rows * depth_), 0.0);
        for (Index k = 0; k < depth_; ++k) {
            const double* column = &a(0, begin + k) + first_;
            for (Index i = 0; i < rows_; ++i) {
                const Index strip = i / tile_rows;
                const Index at = (strip * depth_ + k) * tile_rows + i % tile_rows;
                values_[static_cast<std::size_t>(at)] = column[i];
            }
        }
    }

    /// a_ij -= sum_k l_ik l_jk for the rows and columns below the panel, i >= j; every sum begins
    /// at 0 and takes k in rising order.
    void subtract_products(Matrix& a) const {
        for (Index j = 0; j < rows_; j += tile_columns) {
            for (Index i = j - j % tile_rows; i < rows_; i += tile_rows) {
                subtract_tile(a, i, j);
            }
        }
    }

  private:
    const double* strip(Index row) const {
        return values_.data() + (row / tile_rows) * depth_ * tile_rows;
    }

    void subtract_tile(Matrix& a, Index i, Index j) const {
        std::array<double, tile_rows> left{};
        std::array<double, tile_rows> right{};
        const double* of_rows = strip(i);
        const double* of_columns = strip(j) + j % tile_rows;
        for (Index k = 0; k < depth_; ++k) {
            const double by_left = of_columns[k * tile_rows];
            const double by_right = of_columns[k * tile_rows + 1];
            for (std::size_t lane = 0; lane < tile_rows; ++lane) {
                left[lane] += of_rows[k * tile_rows + static_cast<Index>(lane)] * by_left;
                right[lane] += of_rows[k * tile_rows + static_cast<Index>(lane)] * by_right;
            }
        }
        subtract_column(a, left, i, j);
        if (j + 1 < rows_) {
            subtract_column(a, right, i, j + 1);
        }
    }

    void subtract_column(Matrix& a, const std::array<double, tile_rows>& sums, Index i,
                         Index j) const {
        const Index end = std::min(i + tile_rows, rows_);
        double* column = &a(0, first_ + j) + first_;
        for (Index row = std::max(i, j); row < end; ++row) {
            column[row] -= sums[static_cast<std::size_t>(row - i)];
        }
    }

    Index first_;
    Index depth_;
    Index rows_;
    std::vector<double> values_;
};

bool factor_in_place(Matrix& a, const Vector& diagonal) {
    const Index n = a.rows();
    for (Index begin = 0; begin < n; begin += panel_width) {
        const Index end = std::min(begin + panel_width, n);
        if (!factor_panel(a, diagonal, begin, end)) {
            return false;
        }
        if (end < n) {
            PackedRows(a, begin, end).subtract_products(a);
        }
    }
    return true;
}

bool is_finite_below_diagonal(const Matrix& a) {
    for (Index j = 0; j < a.cols(); ++j) {
        if (!std::isfinite(max_norm(a.col(j).tail(a.rows() - j)))) {
            return false;
        }
    }
    return true;
}

}  // namespace

Cholesky::Cholesky(Matrix factor, const Vector& diagonal) : factor_(std::move(factor)) {
    for (Index k = 0; k < diagonal.size(); ++k) {
        const double root = factor_(k, k);
        least_part_left_ = std::min(least_part_left_, root * root / diagonal[k]);
    }
}

std::optional<Cholesky> Cholesky::factor(Matrix matrix) {
    const Vector diagonal = matrix.diagonal();
    if (!factor_in_place(matrix, diagonal)) {
        return std::nullopt;
    }
    return Cholesky(std::move(matrix), diagonal);
}

std::optional<Cholesky> Cholesky::factor_with_ridge(Matrix matrix) {
    constexpr double first_ridge = 1e-12;
    constexpr double growth = 100;
    constexpr double last_ridge = 1e16;
    constexpr double least_scale = 1e-8;
    const Vector diagonal = matrix.diagonal();
    const double largest = max_norm(diagonal);
    if (!(largest > 0) || !is_finite_below_diagonal(matrix)) {
        return std::nullopt;
    }
    const Vector scale = diagonal.cwiseAbs().cwiseMax(least_scale * largest);
    // The upper triangle stays what it is, and so holds the matrix while the lower one is tried.
    matrix.triangularView<Eigen::StrictlyUpper>() = matrix.transpose();
    Vector raised = diagonal;
    for (double ridge = first_ridge; !factor_in_place(matrix, raised); ridge *= growth) {
        if (ridge > last_ridge) {
            return std::nullopt;
        }
        matrix.triangularView<Eigen::StrictlyLower>() = matrix.transpose();
        raised = diagonal + ridge * scale;
        matrix.diagonal() = raised;
    }
    return Cholesky(std::move(matrix), raised);
}

Vector Cholesky::solve(const Vector& b) const {
    const Index n = factor_.rows();
    Vector x = b;
    for (Index k = 0; k < n; ++k) {
        x[k] /= factor_(k, k);
        x.tail(n - k - 1) -= x[k] * factor_.col(k).tail(n - k - 1);
    }
    for (Index k = n - 1; k >= 0; --k) {
        const Index below = n - k - 1;
        x[k] = (x[k] - dot(factor_.col(k).tail(below), x.tail(below))) / factor_(k, k);
    }
    return x;
}

}  // namespace paralogit::optim
