#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "paralogit/optim/objective.hpp"

// A logistic objective that tells its curvature, on plain loops. It shares no code with the
// library.

namespace paralogit::optim::test_problems {

/// Mean binary cross-entropy of margins X w + b, plus l2/2 |w|^2, of parameters (w, b). Counts what
/// is asked of it.
class CurvedLogistic : public CurvedObjective {
  public:
    /// X [n x d] comes transposed, [d x n]: a row is a column in memory.
    CurvedLogistic(Matrix rows, Vector labels, double l2)
        : x_(std::move(rows)), y_(std::move(labels)), l2_(l2) {}

    Index dimension() const override { return x_.rows() + 1; }
    Index rows() const override { return x_.cols(); }
    Index most_thinning() const override { return 64; }

    Evaluation evaluate(const Vector& point) override;
    Evaluation evaluate_with_hessian(const Vector& point, Index thinning) override;
    Evaluation evaluate_thinned(const Vector& point, Index thinning) override;
    Matrix hessian(const Vector& point, Index thinning) override;
    void hessian_product(const Vector& point, const Vector& direction, Index thinning,
                         Vector& product) override;
    Vector hessian_diagonal(const Vector& point, Index thinning) override;

    const Matrix& features() const { return x_; }
    const Vector& labels() const { return y_; }
    double l2() const { return l2_; }

    Index evaluations = 0;
    Index products = 0;
    Index diagonals = 0;
    std::vector<Index> thinnings;            ///< of the Hessians asked for
    std::vector<Index> thinned_evaluations;  ///< their thinnings
    /// Where Hessians are asked for next, and their thinnings.
    std::vector<std::pair<Vector, Index>> announced;
    std::function<void()> before_call = [] {};  ///< may throw

  private:
    Evaluation mean(const Vector& point, Index thinning) const;
    double margin(Index i, const Vector& parameters) const;
    double curvature(Index i, const Vector& parameters) const;

    Matrix x_;
    Vector y_;
    double l2_;
};

/// Rows of normal features, every two with this correlation, and labels drawn from margins of about
/// `signal` in size.
CurvedLogistic correlated_rows(Index rows, Index features, double correlation, double l2,
                               double signal = 2);

/// A function given by lambdas.
class CurvedFunction : public CurvedObjective {
  public:
    CurvedFunction(Index dimension, std::function<Evaluation(const Vector&)> value,
                   std::function<Matrix(const Vector&)> second)
        : dimension_(dimension), value_(std::move(value)), second_(std::move(second)) {}

    Index dimension() const override { return dimension_; }
    Index rows() const override { return 1000; }
    Index most_thinning() const override { return 1; }
    Evaluation evaluate(const Vector& point) override { return value_(point); }
    Evaluation evaluate_thinned(const Vector& point, Index) override { return value_(point); }
    Matrix hessian(const Vector& point, Index) override { return second_(point); }
    void hessian_product(const Vector& point, const Vector& direction, Index thinning,
                         Vector& product) override;
    Vector hessian_diagonal(const Vector& point, Index thinning) override;

  private:
    Index dimension_;
    std::function<Evaluation(const Vector&)> value_;
    std::function<Matrix(const Vector&)> second_;
};

/// The kinds of data that are hard in different ways.
enum class Data {
    tall,           ///< 2000 x 12
    badly_scaled,   ///< the same, columns from 1 down to 1e-4
    wide,           ///< 40 x 60
    collinear,      ///< 600 x 12, the last two columns are sums of others
    separable,      ///< 400 x 8, no row on the wrong side
    idle_column,    ///< 500 x 7, one column is 0
    few_positives,  ///< 2000 x 10, one label in fifty
};

CurvedLogistic rows_of(Data data, double l2);

/// The least value, by Newton's method in long double with halvings and a tiny ridge.
long double least_value(const CurvedLogistic& problem);

/// -log(x) + x, which is only there for x > 0, and least at 1.
CurvedFunction of_positive_numbers();

}  // namespace paralogit::optim::test_problems
