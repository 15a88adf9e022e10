#pragma once

#include <memory>

#include "../scores/validation_run.hpp"
#include "paralogit/train/trainer.hpp"

namespace paralogit::train {

/// The rows of a run with what is known of them before its first step.
struct RunData {
    std::unique_ptr<DataSet> rows;
    std::unique_ptr<ValidationRun> validation;
    Moments moments;
    Penalties penalties;
    SolverChoice solver_choice;
    std::unique_ptr<optim::Solver> solver;
    double startup_seconds = 0;
    double load_seconds = 0;
    double read_seconds = 0;  ///< of those, without waiting for other ranks

    /// Refers to this.
    RunFacts facts(const comm::Communicator& comm) const;
};

/// Loads and looks at the rows, chooses the solver, and tells the observer what came of it. Throws
/// Error. @collective
RunData load_run(const comm::Communicator& comm, const TrainOptions& options,
                 TrainObserver& observer);

}  // namespace paralogit::train
