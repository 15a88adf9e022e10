#include "composite_problems.hpp"

#include <algorithm>
#include <cmath>

namespace paralogit::optim::test_problems {

SeparableTerm penalty_of(Index dimension, double l1) {
    SeparableTerm term{.l1 = Vector::Constant(dimension, l1),
                       .lower = Vector::Constant(dimension, -no_bound),
                       .upper = Vector::Constant(dimension, no_bound)};
    term.l1[dimension - 1] = 0;
    return term;
}

Evaluation CompositeLogistic::evaluate(const Vector& point) {
    return with_term(smooth.evaluate(point), point);
}

Evaluation CompositeLogistic::evaluate_thinned(const Vector& point, Index thinning) {
    return with_term(smooth.evaluate_thinned(point, thinning), point);
}

Matrix CompositeLogistic::hessian(const Vector& point, Index thinning) {
    return smooth.hessian(point, thinning);
}

Matrix CompositeLogistic::hessian_among(const Vector& point, std::span<const Index> variables,
                                        Index thinning) {
    const Matrix all = smooth.hessian(point, thinning);
    Matrix some(std::ssize(variables), std::ssize(variables));
    for (Index a = 0; a < some.rows(); ++a) {
        for (Index b = 0; b < some.cols(); ++b) {
            some(a, b) =
                all(variables[static_cast<std::size_t>(a)], variables[static_cast<std::size_t>(b)]);
        }
    }
    sizes.push_back(some.rows());
    return some;
}

void CompositeLogistic::hessian_product(const Vector& point, const Vector& direction,
                                        Index thinning, Vector& product) {
    smooth.hessian_product(point, direction, thinning, product);
}

Vector CompositeLogistic::hessian_diagonal(const Vector& point, Index thinning) {
    return smooth.hessian_diagonal(point, thinning);
}

Evaluation CompositeLogistic::with_term(Evaluation at, const Vector& point) const {
    for (Index j = 0; j < point.size(); ++j) {
        at.value += term_.l1[j] * std::abs(point[j]);
    }
    return at;
}

double failure(const Vector& point, const Vector& gradient, const SeparableTerm& term) {
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

CompositeLogistic penalised(Data data, double l1, double l2) {
    auto smooth = rows_of(data, l2);
    const Index dimension = smooth.dimension();
    return {std::move(smooth), penalty_of(dimension, l1)};
}

std::vector<State> composite_run(const Solver& solver, CompositeLogistic& objective,
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

std::vector<State> composite_run(const Solver& solver, CompositeLogistic& objective) {
    return composite_run(solver, objective, Vector::Zero(objective.dimension()));
}

double failure_at_end(const std::vector<State>& states, CompositeLogistic& objective) {
    const Vector& point = states.back().point;
    return failure(point, objective.smooth.evaluate(point).gradient, objective.separable());
}

}  // namespace paralogit::optim::test_problems
