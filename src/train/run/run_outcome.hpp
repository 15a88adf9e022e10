#pragma once

#include <memory>
#include <optional>

#include "../objective/standardised_objective.hpp"
#include "run_data.hpp"
#include "run_record.hpp"
#include "run_state.hpp"

namespace paralogit::train {

/// What this process spent in training.
struct TrainingTime {
    double seconds = 0;    ///< without checkpoints
    double exchange = 0;   ///< of those: messages, and waiting for other ranks
    double inference = 0;  ///< after those
    double diagnosis = 0;  ///< the same
};

/// A run that takes no more steps.
struct EndedRun {
    const comm::Communicator& comm;
    const TrainOptions& options;
    TrainObserver& observer;
    const RunRecord& record;
    RunData& data;
    RunState& state;
    std::unique_ptr<DistributedObjective>& objective;
    std::unique_ptr<StandardisedObjective>& standardised;
    const IterationFacts& last;
    double first_objective;
    double lowest_objective;
    Index first_evaluations;  ///< that were there when this process began
    const Vector& previous;   ///< the parameters before the last step; empty when there was none
    bool is_separable;
    std::optional<InferenceReport> inference;
    TrainingTime time;
};

/// Times, diagnosis and models. Sparse rows and their objective are let go before a model as long
/// as their features is made, unless they are to be verified. @collective
TrainOutcome describe_outcome(EndedRun&& run, optim::StopReason reason);

}  // namespace paralogit::train
