#pragma once

#include <string>
#include <vector>

#include "../objective/standardised_objective.hpp"
#include "paralogit/train/trainer.hpp"

namespace paralogit::train {

/// What a run knows at its end.
struct RunEnd {
    const comm::Communicator& comm;
    const TrainOptions& options;
    const DataSet& data;
    const Moments& moments;
    const model::Penalty& penalty;
    const optim::ChangeOfVariables& change;
    StandardisedObjective& objective;
    Vector parameters;  ///< empty where the rows are too wide to be visited one by one
    Vector previous;    ///< the parameters before the last step; empty when this process did none
    double lowest_objective;
};

bool has_penalty(const model::Penalty& penalty);

/// What is wrong with the data or the options, in words, when something seems to be. @collective
std::vector<std::string> diagnose(const RunEnd& run, const TrainOutcome& outcome);

}  // namespace paralogit::train
