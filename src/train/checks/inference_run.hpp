#pragma once

#include <optional>
#include <vector>

#include "paralogit/model/inference.hpp"
#include "paralogit/train/inference_report.hpp"
#include "paralogit/train/information.hpp"
#include "paralogit/train/moments.hpp"
#include "paralogit/train/objective.hpp"
#include "paralogit/train/penalties.hpp"

namespace paralogit::train {

/// Throws Error (usage) when the matrices for so many features are beyond what a rank can be
/// expected to hold and to factor.
void check_inference_size(Index features, bool has_intercept);

/// The statistics of a model at the end of a run, from one Hessian of all rows in standardised
/// variables, whatever those of the solver are.
class InferenceRun {
  public:
    /// All must outlive this.
    InferenceRun(const comm::Communicator& comm, const DataSet& data, const Moments& moments,
                 DistributedObjective& objective, const Penalties& penalties);

    /// Goes to some parameters. Costs a pass and a Hessian. @collective
    void begin_at(Vector parameters);

    /// Newton steps with the Hessian where it began, as long as each leaves less than a quarter of
    /// what there was to gain: from a point that converged to the optimum itself, to rounding.
    /// Costs up to five passes, and another Hessian when it moved. @collective
    void polish();

    const Vector& parameters() const { return parameters_; }
    const optim::Evaluation& evaluation() const { return evaluation_; }
    /// Evaluations of the objective so far.
    Index evaluations() const { return evaluations_; }

    /// Without what only the run knows: its end, its model and its version.
    InferenceReport report(double confidence) const;

  private:
    using Equations = std::vector<model::FlatDirection>;

    void collect();
    void collect_here();
    bool centre_where_curvature_is();
    void leave_out_what_has_vanished();
    void find_equations();
    InferenceReport named() const;
    optim::Evaluation evaluate(const Vector& parameters);
    Vector gradient_of(const optim::Evaluation& evaluation) const;
    bool is_within_bounds(const Vector& parameters) const;

    const comm::Communicator& comm_;
    const DataSet& data_;
    DistributedObjective& objective_;
    const Penalties& penalties_;
    optim::ChangeOfVariables standardised_;
    optim::ChangeOfVariables change_;  ///< that of the statistics: mostly the same
    double weight_sum_;
    std::string data_fingerprint_;
    std::optional<Equations> collinear_;  ///< once a singular Hessian asked for them
    std::vector<bool> has_vanished_;      ///< features without any curvature left  [d]
    Vector penalty_curvature_;  ///< second derivative of the mean penalty by each coefficient  [d]
    Vector parameters_;
    optim::Evaluation evaluation_;
    Index evaluations_ = 0;
    model::InferenceInput input_;
    std::optional<model::InformationFactor> factor_;
};

}  // namespace paralogit::train
