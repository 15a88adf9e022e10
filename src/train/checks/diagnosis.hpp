#pragma once

#include <string>
#include <vector>

#include "../objective/standardised_objective.hpp"
#include "paralogit/train/penalties.hpp"
#include "paralogit/train/trainer.hpp"

namespace paralogit::train {

/// What a run knows at its end.
struct RunEnd {
    const comm::Communicator& comm;
    const TrainOptions& options;
    const DataSet& data;
    const Moments& moments;
    const Penalties& penalties;
    const optim::ChangeOfVariables& change;
    StandardisedObjective& objective;
    Vector parameters;  ///< empty where the rows are too wide to be visited one by one
    Vector previous;    ///< the parameters before the last step; empty when this process did none
    double lowest_objective;
    const InferenceReport* inference;  ///< null without
};

/// Whether any of so many coefficients is penalised.
bool has_penalty(const model::Penalty& penalty, Index features);

struct Diagnosis {
    std::vector<std::string> texts;  ///< what is wrong with the data or the options, in words
    /// Parameters that separation sends to infinity, by their numbers in the run; the intercept's
    /// is the number of features.
    std::vector<Index> unbounded;
    /// Whether all of these have an optimum after all, by a penalty that is next to nothing.
    bool is_held_by_little = false;
};

/// What seems to be wrong, if anything does. @collective
Diagnosis diagnose(const RunEnd& run, const TrainOutcome& outcome);

}  // namespace paralogit::train
