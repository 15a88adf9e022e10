#pragma once

#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "curved_problems.hpp"
#include "paralogit/optim/separable_term.hpp"
#include "paralogit/optim/solver.hpp"

namespace paralogit::optim::test_problems {

constexpr double no_bound = std::numeric_limits<double>::infinity();

/// The same l1 for all variables but the last, the intercept; no bounds.
SeparableTerm penalty_of(Index dimension, double l1);

/// A logistic objective with a part that is not smooth.
class CompositeLogistic : public CompositeObjective {
  public:
    CompositeLogistic(CurvedLogistic smooth_part, SeparableTerm term)
        : smooth(std::move(smooth_part)), term_(std::move(term)) {}

    Index dimension() const override { return smooth.dimension(); }
    Index rows() const override { return smooth.rows(); }
    Index most_thinning() const override { return smooth.most_thinning(); }
    const SeparableTerm& separable() const override { return term_; }

    Evaluation evaluate(const Vector& point) override;
    Evaluation evaluate_thinned(const Vector& point, Index thinning) override;
    Matrix hessian(const Vector& point, Index thinning) override;
    Matrix hessian_among(const Vector& point, std::span<const Index> variables,
                         Index thinning) override;
    void hessian_product(const Vector& point, const Vector& direction, Index thinning,
                         Vector& product) override;
    Vector hessian_diagonal(const Vector& point, Index thinning) override;

    CurvedLogistic smooth;
    std::vector<Index> sizes;  ///< of the Hessians asked for

  private:
    Evaluation with_term(Evaluation at, const Vector& point) const;

    SeparableTerm term_;
};

/// The largest amount by which a point fails the conditions of an optimum, spelled out for each of
/// the places where a variable can be: inside, at 0, or at a bound.
double failure(const Vector& point, const Vector& gradient, const SeparableTerm& term);

CompositeLogistic penalised(Data data, double l1, double l2 = 0);

/// The states until the conditions of an optimum hold to 1e-9, or a step does not move.
std::vector<State> composite_run(const Solver& solver, CompositeLogistic& objective,
                                 const Vector& start);

std::vector<State> composite_run(const Solver& solver, CompositeLogistic& objective);

double failure_at_end(const std::vector<State>& states, CompositeLogistic& objective);

}  // namespace paralogit::optim::test_problems
