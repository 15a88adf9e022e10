#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "batch_gradients.hpp"
#include "lone_features.hpp"
#include "paralogit/model/penalty.hpp"
#include "paralogit/optim/batch_objective.hpp"
#include "paralogit/optim/change_of_variables.hpp"
#include "paralogit/optim/separable_term.hpp"
#include "paralogit/train/curvature.hpp"
#include "paralogit/train/objective.hpp"

namespace paralogit::train {

/// Ends an iteration between two evaluations. The state before it is whole, and going on from there
/// repeats the iteration with the same bits.
class IterationStopped {};

/// The objective as the solvers see it: in standardised variables, with its curvature and what is
/// not smooth of it, and in batches if it is given some. Lets an agreed request for a stop through
/// after an evaluation, a Hessian, a product or a batch by throwing IterationStopped, so that a
/// signal waits for one of them at most.
class StandardisedObjective : public optim::CompositeObjective, public optim::BatchObjective {
  public:
    /// All must outlive this. `effective_rows`: see Moments. `start` has the coefficients of
    /// columns whose scale is 0, or is empty where they are 0.
    StandardisedObjective(const comm::Communicator& comm, const DataSet& data,
                          DistributedObjective& of_parameters,
                          const optim::ChangeOfVariables& change, const Vector& start,
                          model::Penalty penalty, optim::SeparableTerm separable,
                          Index effective_rows);

    Index dimension() const override { return of_parameters_.dimension(); }
    Index rows() const override { return effective_rows_; }
    Index most_thinning() const override { return data_.plan.rows_per_block(); }
    Index most_thinning_of_evaluation() const override {
        return data_.sparse ? 1 : most_thinning();
    }

    optim::Evaluation evaluate(const Vector& point) override;
    optim::Evaluation evaluate_with_hessian(const Vector& point, Index thinning) override;
    optim::Evaluation evaluate_thinned(const Vector& point, Index thinning) override;
    optim::Evaluation evaluate_at_best(Vector& point) override;
    Range following() const override;
    const optim::SeparableTerm& separable() const override { return separable_; }
    Matrix hessian(const Vector& point, Index thinning) override;
    Matrix rough_hessian(const Vector& point, Index thinning) override;
    /// The last of the variables is the intercept if there is one.
    Matrix hessian_among(const Vector& point, std::span<const Index> variables,
                         Index thinning) override;
    void hessian_product(const Vector& point, const Vector& direction, Index thinning,
                         Vector& product) override;
    int threads() const override;
    Vector hessian_diagonal(const Vector& point, Index thinning) override;
    /// Of sparse rows: see make_preconditioner.
    std::optional<Vector> preconditioner(const Vector& point) override;

    /// Lets lone features follow the others in evaluate_at_best(), and in products from then on, if
    /// there are enough of them. @collective
    void let_lone_features_follow();

    /// Before the first batch is asked for.
    void set_batches(std::unique_ptr<BatchGradients> batches) { batches_ = std::move(batches); }
    /// Null without batches.
    const BatchGradients* batch_gradients() const { return batches_.get(); }

    /// Whether the last Hessian is kept, so that it can be asked for.
    void keep_last_hessian() { keeps_hessian_ = true; }
    /// Of some of the rows, perhaps; empty when none was kept.
    const Matrix& last_hessian() const { return last_hessian_; }

    Index batches() const override { return batches_->batches(); }
    void evaluate_batch(const Vector& point, Index epoch, Index batch,
                        optim::BatchEvaluation& evaluation) override;
    void add_penalty_gradient(const Vector& point, Vector& gradient) const override;
    double penalty(const Vector& point) const override;
    void decay(double rate, Vector& point) const override;
    void join_ranks(std::span<Vector* const> vectors) override;

    /// The Hessian of some of the rows at some parameters, by variables of any change; 1 for a
    /// feature that is left alone. @collective
    Matrix hessian_by(const optim::ChangeOfVariables& change, const Vector& parameters,
                      Index thinning);

    /// Whether requests stop the iteration. They wait for the first point of a run, which there is
    /// no state before.
    void let_requests_through(bool lets) { lets_requests_through_ = lets; }

    /// Seconds that this rank spent on curvature, and on parts of the rows, so far.
    double curvature_seconds() const {
        return curvature_.seconds() + of_parameters_.thinned_seconds() +
               of_parameters_.beside_seconds();
    }

  private:
    Vector parameters_at(const Vector& point) const {
        // Variables of columns that are left alone are 0.
        return change_.to_parameters(point, start_.size() == 0 ? point : start_, threads());
    }
    /// The Hessian of the loss with that of the penalty.
    Matrix with_penalty(Matrix hessian);
    /// Of the loss alone.
    Vector loss_diagonal(const Vector& point, Index thinning);
    /// Adds that of the penalty; 1 for a feature that is left alone.
    double penalised(double second_derivative, Index feature) const;
    /// Those that do not follow others.
    Index leading() const { return lone_ ? lone_->first : change_.scale.size(); }
    /// Makes of a direction of the point that of the parameters.
    void change_direction(const Vector& direction, Vector& by_parameters) const;
    /// Makes of a product by the parameters, penalty included, that by the point.
    void change_product(const Vector& direction, const Vector& by_parameters,
                        Vector& product) const;
    void heed_requests(const StopRequests& agreed);

    const comm::Communicator& comm_;
    const DataSet& data_;
    Index effective_rows_;
    DistributedObjective& of_parameters_;
    const optim::ChangeOfVariables& change_;
    const Vector& start_;
    Curvature curvature_;
    model::Penalty penalty_;
    optim::SeparableTerm separable_;
    std::uint64_t sparse_point_ = 0;  ///< where the curvature of sparse rows is taken, in short
    bool may_round_ = false;          ///< products there
    std::optional<LoneFeatures> lone_;
    Vector direction_;  ///< by the parameters, where lone features follow the others
    std::unique_ptr<BatchGradients> batches_;
    bool lets_requests_through_ = true;
    /// A rough Hessian of the loss that is there before it is asked for.
    struct EarlyHessian {
        Vector point;
        Index thinning;
        Matrix of_loss;
    };
    std::optional<EarlyHessian> early_;
    bool keeps_hessian_ = false;
    Matrix last_hessian_;
};

}  // namespace paralogit::train
