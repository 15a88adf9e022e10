#pragma once

#include "paralogit/optim/change_of_variables.hpp"
#include "paralogit/train/curvature.hpp"
#include "paralogit/train/objective.hpp"

namespace paralogit::train {

/// Ends an iteration between two evaluations. The state before it is whole, and going on from there
/// repeats the iteration with the same bits.
class IterationStopped {};

/// The objective as the solvers see it: in standardised variables, with its curvature. Lets an
/// agreed request for a stop through after an evaluation, a Hessian or a product by throwing
/// IterationStopped, so that a signal waits for one of them at most.
class StandardisedObjective : public optim::CurvedObjective {
  public:
    /// All must outlive this. `start` is the first parameter vector.
    StandardisedObjective(const comm::Communicator& comm, const DataSet& data,
                          DistributedObjective& of_parameters,
                          const optim::ChangeOfVariables& change, Vector start, double l2);

    Index dimension() const override { return transformed_.dimension(); }
    Index rows() const override { return data_.manifest.rows; }
    Index most_thinning() const override { return data_.plan.rows_per_block(); }

    optim::Evaluation evaluate(const Vector& point) override;
    Matrix hessian(const Vector& point, Index thinning) override;
    Vector hessian_product(const Vector& point, const Vector& direction, Index thinning) override;

    /// An evaluation that no request stops, for the first point of a run.
    optim::Objective& unstoppable() { return transformed_; }

    /// Seconds that this rank spent on curvature so far.
    double curvature_seconds() const { return curvature_.seconds(); }

  private:
    void heed_requests(const StopRequests& agreed);

    const DataSet& data_;
    DistributedObjective& of_parameters_;
    const optim::ChangeOfVariables& change_;
    Vector start_;
    optim::TransformedObjective transformed_;
    Curvature curvature_;
    double l2_;
};

}  // namespace paralogit::train
