#include "test_problems.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

namespace paralogit::optim::test_problems {

Evaluation Function::evaluate(const Vector& point) {
    points.push_back(point);
    return function_(point);
}

Function of_one_variable(std::function<double(double)> value, std::function<double(double)> slope) {
    return {1, [value = std::move(value), slope = std::move(slope)](const Vector& x) {
                return Evaluation{.value = value(x[0]),
                                  .gradient = Vector::Constant(1, slope(x[0]))};
            }};
}

Function rosenbrock(Index dimension) {
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

Function quadratic(Index dimension, double condition) {
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

template <typename Real>
Evaluation Logistic::evaluate(const Vector& parameters) const {
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

template Evaluation Logistic::evaluate<double>(const Vector& parameters) const;
template Evaluation Logistic::evaluate<long double>(const Vector& parameters) const;

Function Logistic::objective() const {
    return {x.cols() + 1,
            [problem = *this](const Vector& p) { return problem.evaluate<double>(p); }};
}

Logistic logistic(Design design, double l2) {
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

std::vector<double> written_down(const State& state) {
    std::vector<double> numbers(state.point.begin(), state.point.end());
    numbers.push_back(state.at_point.value);
    numbers.insert(numbers.end(), state.at_point.gradient.begin(), state.at_point.gradient.end());
    for (const auto& [name, matrix] : state.memory) {
        numbers.insert(numbers.end(), matrix.reshaped().begin(), matrix.reshaped().end());
    }
    return numbers;
}

State read_back(const std::vector<double>& numbers, const State& shapes) {
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

bool have_the_same_bits(const State& a, const State& b) {
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
