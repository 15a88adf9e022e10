#pragma once

#include <span>

#include "paralogit/optim/objective.hpp"

namespace paralogit::optim {

/// What a batch of rows says about one point.
struct BatchEvaluation {
    /// The gradient of its mean loss, without the penalty. Infinite or NaN where a margin is.
    Vector gradient;
    /// Its part of the mean loss over all rows: added up over an epoch, the loss of the rows at the
    /// points where each was met. Where batches are each rank's own, its mean over ranks is so.
    double loss = 0;
    /// Rows that count in it; with none the batch has nothing to say, and its gradient is 0.
    Index rows = 0;
};

/// The rows of an objective in batches, which follow one after the other through an epoch; each
/// epoch meets every row once, in an order of its own. Pure functions, as those of Objective.
class BatchObjective {
  public:
    virtual ~BatchObjective() = default;

    /// Of an epoch, >= 1.
    virtual Index batches() const = 0;

    /// Overwrites `evaluation`, whose memory is used again. May throw; see Objective.
    virtual void evaluate_batch(const Vector& point, Index epoch, Index batch,
                                BatchEvaluation& evaluation) = 0;

    /// Adds the gradient of the penalty at a point.
    virtual void add_penalty_gradient(const Vector& point, Vector& gradient) const = 0;
    virtual double penalty(const Vector& point) const = 0;
    /// Shrinks the coefficients as the penalty l2/2 |w|^2 would, by 1 - rate l2.
    virtual void decay(double rate, Vector& point) const = 0;

    /// Where batches are each rank's own: replaces each vector by its mean over the ranks, each
    /// with the weight of its rows.
    virtual void join_ranks(std::span<Vector* const> vectors) = 0;
};

}  // namespace paralogit::optim
