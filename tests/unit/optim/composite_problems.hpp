#pragma once

#include <limits>
#include <utility>
#include <vector>

#include "curved_problems.hpp"
#include "paralogit/optim/separable_term.hpp"

namespace paralogit::optim::test_problems {

constexpr double no_bound = std::numeric_limits<double>::infinity();

/// The same l1 for all variables but the last, the intercept; no bounds.
inline SeparableTerm penalty_of(Index dimension, double l1) {
    SeparableTerm term{.l1 = Vector::Constant(dimension, l1),
                       .lower = Vector::Constant(dimension, -no_bound),
                       .upper = Vector::Constant(dimension, no_bound)};
    term.l1[dimension - 1] = 0;
    return term;
}

/// A logistic objective with a part that is not smooth.
class CompositeLogistic : public CompositeObjective {
  public:
    CompositeLogistic(CurvedLogistic smooth_part, SeparableTerm term)
        : smooth(std::move(smooth_part)), term_(std::move(term)) {}

    Index dimension() const override { return smooth.dimension(); }
    Index rows() const override { return smooth.rows(); }
    Index most_thinning() const override { return smooth.most_thinning(); }
    const SeparableTerm& separable() const override { return term_; }

    Evaluation evaluate(const Vector& point) override {
        return with_term(smooth.evaluate(point), point);
    }
    Evaluation evaluate_thinned(const Vector& point, Index thinning) override {
        return with_term(smooth.evaluate_thinned(point, thinning), point);
    }
    Matrix hessian(const Vector& point, Index thinning) override {
        return smooth.hessian(point, thinning);
    }
    Matrix hessian_among(const Vector& point, std::span<const Index> variables,
                         Index thinning) override {
        const Matrix all = smooth.hessian(point, thinning);
        Matrix some(std::ssize(variables), std::ssize(variables));
        for (Index a = 0; a < some.rows(); ++a) {
            for (Index b = 0; b < some.cols(); ++b) {
                some(a, b) = all(variables[static_cast<std::size_t>(a)],
                                 variables[static_cast<std::size_t>(b)]);
            }
        }
        sizes.push_back(some.rows());
        return some;
    }
    void hessian_product(const Vector& point, const Vector& direction, Index thinning,
                         Vector& product) override {
        smooth.hessian_product(point, direction, thinning, product);
    }
    Vector hessian_diagonal(const Vector& point, Index thinning) override {
        return smooth.hessian_diagonal(point, thinning);
    }

    CurvedLogistic smooth;
    std::vector<Index> sizes;  ///< of the Hessians asked for

  private:
    Evaluation with_term(Evaluation at, const Vector& point) const {
        for (Index j = 0; j < point.size(); ++j) {
            at.value += term_.l1[j] * std::abs(point[j]);
        }
        return at;
    }

    SeparableTerm term_;
};

/// The largest amount by which a point fails the conditions of an optimum, spelled out for each of
/// the places where a variable can be: inside, at 0, or at a bound.
inline double failure(const Vector& point, const Vector& gradient, const SeparableTerm& term) {
    double worst = 0;
    for (Index j = 0; j < point.size(); ++j) {
        const double p = point[j];
        const double g = gradient[j];
        const double l1 = term.l1[j];
        if (p < term.lower[j] || p > term.upper[j]) {
            return no_bound;
        }
        // The interval of slopes of the whole: it has to hold 0, one side of it where p is at a
        // bound.
        const double least = p > 0 ? g + l1 : g - l1;
        const double most = p < 0 ? g - l1 : g + l1;
        if (p < term.upper[j]) {
            worst = std::max(worst, -most);
        }
        if (p > term.lower[j]) {
            worst = std::max(worst, least);
        }
    }
    return worst;
}

inline CompositeLogistic penalised(Data data, double l1, double l2 = 0) {
    auto smooth = rows_of(data, l2);
    const Index dimension = smooth.dimension();
    return {std::move(smooth), penalty_of(dimension, l1)};
}

/// The states until the conditions of an optimum hold to 1e-9, or a step does not move.
inline std::vector<State> composite_run(const Solver& solver, CompositeLogistic& objective,
                                        const Vector& start) {
    std::vector<State> states{solver.start(objective, start)};
    while (optimality_violation(states.back(), objective.separable()) > 1e-9 &&
           states.size() < 2000) {
        State next = states.back();
        if (solver.step(objective, next) != StepResult::moved) {
            break;
        }
        states.push_back(next);
    }
    return states;
}

inline std::vector<State> composite_run(const Solver& solver, CompositeLogistic& objective) {
    return composite_run(solver, objective, Vector::Zero(objective.dimension()));
}

inline double failure_at_end(const std::vector<State>& states, CompositeLogistic& objective) {
    const Vector& point = states.back().point;
    return failure(point, objective.smooth.evaluate(point).gradient, objective.separable());
}

}  // namespace paralogit::optim::test_problems
