#pragma once

#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <string>
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
    Evaluation evaluate(const Vector& point) override {
        points.push_back(point);
        return function_(point);
    }

    std::vector<Vector> points;

  private:
    Index dimension_;
    std::function<Evaluation(const Vector&)> function_;
};

/// A function of one variable from its value and its slope.
inline Function of_one_variable(std::function<double(double)> value,
                                std::function<double(double)> slope) {
    return {1, [value = std::move(value), slope = std::move(slope)](const Vector& x) {
                return Evaluation{.value = value(x[0]),
                                  .gradient = Vector::Constant(1, slope(x[0]))};
            }};
}

/// sum_i 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2; the minimum is 0 at (1, ..., 1).
inline Function rosenbrock(Index dimension) {
    return {dimension, [](const Vector& x) {
                Evaluation at{.value = 0, .gradient = Vector::Zero(x.size())};
                for (Index i = 0; i + 1 < x.size(); ++i) {
                    const double valley = x[i + 1] - x[i] * x[i];
                    const double rest = 1 - x[i];
                    at.value += 100 * valley * valley + rest * rest;
                    at.gradient[i] += -400 * x[i] * valley - 2 * rest;
                    at.gradient[i + 1] += 200 * valley;
                }
                return at;
            }};
}

/// (x - 1)' Q D Q (x - 1) / 2 with eigenvalues D from 1 / condition to 1 in even ratios, and Q the
/// reflection along (1, 2, ..., dimension).
inline Function quadratic(Index dimension, double condition) {
    Vector mirror(dimension);
    Vector eigenvalues(dimension);
    for (Index i = 0; i < dimension; ++i) {
        mirror[i] = static_cast<double>(i + 1);
        eigenvalues[i] =
            std::pow(condition, -static_cast<double>(i) / static_cast<double>(dimension - 1));
    }
    const auto reflect = [mirror](const Vector& u) -> Vector {
        return u - (2 * mirror.dot(u) / mirror.dot(mirror)) * mirror;
    };
    return {dimension, [reflect, eigenvalues](const Vector& x) {
                const Vector u = reflect(x - Vector::Ones(x.size()));
                const Vector du = eigenvalues.cwiseProduct(u);
                return Evaluation{.value = u.dot(du) / 2, .gradient = reflect(du)};
            }};
}

/// Mean binary cross-entropy of margins X w + b, plus l2/2 |w|^2. Parameters (w, b).
struct Logistic {
    Eigen::MatrixXd x;  ///< [n x d]
    Vector y;           ///< [n], 0 or 1
    double l2 = 0;

    /// Value and gradient in the arithmetic of Real.
    template <typename Real>
    Evaluation evaluate(const Vector& parameters) const {
        const Index d = x.cols();
        const Real n = static_cast<Real>(x.rows());
        Real value = 0;
        std::vector<Real> gradient(static_cast<std::size_t>(d) + 1, Real(0));
        Index rows_wrong = 0;
        for (Index i = 0; i < x.rows(); ++i) {
            Real z = parameters[d];
            for (Index j = 0; j < d; ++j) {
                z += static_cast<Real>(x(i, j)) * static_cast<Real>(parameters[j]);
            }
            const Real e = std::exp(-std::abs(z));
            value += std::max(z, Real(0)) - static_cast<Real>(y[i]) * z + std::log1p(e);
            const Real slope = (z >= 0 ? 1 : e) / (1 + e) - static_cast<Real>(y[i]);
            for (Index j = 0; j < d; ++j) {
                gradient[static_cast<std::size_t>(j)] += slope * static_cast<Real>(x(i, j));
            }
            gradient[static_cast<std::size_t>(d)] += slope;
            rows_wrong += (z > 0) == (y[i] > 0.5) ? 0 : 1;
        }
        Real penalty = 0;
        Evaluation result{.value = 0, .gradient = Vector(d + 1), .rows_wrong = rows_wrong};
        for (Index j = 0; j <= d; ++j) {
            const Real w = j < d ? static_cast<Real>(parameters[j]) : Real(0);
            penalty += static_cast<Real>(l2) / 2 * w * w;
            result.gradient[j] = static_cast<double>(gradient[static_cast<std::size_t>(j)] / n +
                                                     static_cast<Real>(l2) * w);
        }
        result.value = static_cast<double>(value / n + penalty);
        return result;
    }

    Function objective() const {
        return {x.cols() + 1,
                [problem = *this](const Vector& p) { return problem.evaluate<double>(p); }};
    }
};

enum class Design { independent, collinear, badly_scaled, separable };

/// 200 rows, 20 features of mean 0. The second moments have condition number about 1 (independent,
/// separable), 2e7 (collinear: one common part, the rest a thousandth of it) or 1e6 (badly scaled:
/// columns from 1 down to 1e-3).
inline Logistic logistic(Design design, double l2) {
    constexpr Index rows = 200;
    constexpr Index features = 20;
    std::mt19937_64 engine(20240607);
    std::normal_distribution<double> normal;
    std::uniform_real_distribution<double> uniform;
    Logistic problem{.x = Eigen::MatrixXd(rows, features), .y = Vector(rows), .l2 = l2};
    for (Index i = 0; i < rows; ++i) {
        const double common = normal(engine);
        double margin = 0;
        for (Index j = 0; j < features; ++j) {
            const double own = normal(engine);
            margin += (j % 2 == 0 ? 0.5 : -0.5) * own;
            const double size = std::pow(1e-3, static_cast<double>(j) / (features - 1));
            problem.x(i, j) = design == Design::collinear      ? common + 1e-3 * own
                              : design == Design::badly_scaled ? size * own
                                                               : own;
        }
        const double probability = 1 / (1 + std::exp(-margin));
        problem.y[i] = design == Design::separable ? (margin > 0 ? 1 : 0)
                                                   : (uniform(engine) < probability ? 1 : 0);
    }
    return problem;
}

/// All doubles of a state in a fixed order: what a checkpoint holds.
inline std::vector<double> written_down(const State& state) {
    std::vector<double> numbers(state.point.begin(), state.point.end());
    numbers.push_back(state.at_point.value);
    numbers.insert(numbers.end(), state.at_point.gradient.begin(), state.at_point.gradient.end());
    for (const auto& [name, matrix] : state.memory) {
        numbers.insert(numbers.end(), matrix.reshaped().begin(), matrix.reshaped().end());
    }
    return numbers;
}

/// The state made from those doubles alone; `shapes` supplies counts, names and sizes.
inline State read_back(const std::vector<double>& numbers, const State& shapes) {
    State state;
    state.iteration = shapes.iteration;
    state.evaluations = shapes.evaluations;
    state.at_point.rows_wrong = shapes.at_point.rows_wrong;
    auto next = numbers.begin();
    const auto take = [&next](auto& into) {
        for (Index k = 0; k < into.size(); ++k) {
            into.data()[k] = *next++;
        }
    };
    state.point.resize(shapes.point.size());
    take(state.point);
    state.at_point.value = *next++;
    state.at_point.gradient.resize(shapes.at_point.gradient.size());
    take(state.at_point.gradient);
    for (const auto& [name, matrix] : shapes.memory) {
        Matrix copy(matrix.rows(), matrix.cols());
        take(copy);
        state.memory[name] = copy;
    }
    return state;
}

/// Whether two states agree in every count, shape and bit.
inline bool have_the_same_bits(const State& a, const State& b) {
    if (a.iteration != b.iteration || a.evaluations != b.evaluations ||
        a.at_point.rows_wrong != b.at_point.rows_wrong || a.memory.size() != b.memory.size()) {
        return false;
    }
    for (const auto& [name, matrix] : a.memory) {
        const auto found = b.memory.find(name);
        if (found == b.memory.end() || found->second.rows() != matrix.rows() ||
            found->second.cols() != matrix.cols()) {
            return false;
        }
    }
    const std::vector<double> x = written_down(a);
    const std::vector<double> y = written_down(b);
    return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(double)) == 0;
}

}  // namespace paralogit::optim::test_problems
