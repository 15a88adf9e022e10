#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "paralogit/optim/solver.hpp"

// Functions to minimise, and ways to compare states. None of it shares code with the library.

namespace paralogit::optim::test_problems {

/// A function given by a lambda. Writes down where it was evaluated.
class Function : public Objective {
  public:
    Function(Index dimension, std::function<Evaluation(const Vector&)> function)
        : dimension_(dimension), function_(std::move(function)) {}

    Index dimension() const override { return dimension_; }
    Evaluation evaluate(const Vector& point) override;

    std::vector<Vector> points;

  private:
    Index dimension_;
    std::function<Evaluation(const Vector&)> function_;
};

/// A function of one variable from its value and its slope.
Function of_one_variable(std::function<double(double)> value, std::function<double(double)> slope);

/// sum_i 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2; the minimum is 0 at (1, ..., 1).
Function rosenbrock(Index dimension);

/// (x - 1)' Q D Q (x - 1) / 2 with eigenvalues D from 1 / condition to 1 in even ratios, and Q the
/// reflection along (1, 2, ..., dimension).
Function quadratic(Index dimension, double condition);

/// Mean binary cross-entropy of margins X w + b, plus l2/2 |w|^2. Parameters (w, b).
struct Logistic {
    Eigen::MatrixXd x;  ///< [n x d]
    Vector y;           ///< [n], 0 or 1
    double l2 = 0;

    /// Value and gradient in the arithmetic of Real, double or long double.
    template <typename Real>
    Evaluation evaluate(const Vector& parameters) const;

    Function objective() const;
};

enum class Design { independent, collinear, badly_scaled, separable };

/// 200 rows, 20 features of mean 0. The second moments have condition number about 1 (independent,
/// separable), 2e7 (collinear: one common part, the rest a thousandth of it) or 1e6 (badly scaled:
/// columns from 1 down to 1e-3).
Logistic logistic(Design design, double l2);

/// All doubles of a state in a fixed order: what a checkpoint holds.
std::vector<double> written_down(const State& state);

/// The state made from those doubles alone; `shapes` supplies counts, names and sizes.
State read_back(const std::vector<double>& numbers, const State& shapes);

/// Whether two states agree in every count, shape and bit.
bool have_the_same_bits(const State& a, const State& b);

}  // namespace paralogit::optim::test_problems
