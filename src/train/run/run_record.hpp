#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "paralogit/train/trainer.hpp"

namespace paralogit::train {

/// What a run leaves on disk: rank 0 writes, all ranks learn whether it could. Every function but
/// the readers and add_iteration is @collective.
class RunRecord {
  public:
    /// Claims the output directory. Throws Error (usage or cannot_write).
    RunRecord(const comm::Communicator& comm, const TrainOptions& options, TrainObserver& observer);

    /// On rank 0 the checkpoint to go on from, if there is one; on the others nothing. Throws Error
    /// (model_file) when it does not belong to the run that `now` describes, or when there are
    /// checkpoints but none is whole.
    CheckpointStore::Found find_checkpoint(const Checkpoint& now) const;

    /// The run begins to write. `resumed` is what find_checkpoint found on rank 0, and
    /// `resumed_iteration` its iteration, or -1 for a run from the start.
    void begin(const CheckpointStore::Found& resumed, Index resumed_iteration,
               bool has_soft_labels);

    /// One more line of metrics. A disk that takes no line now gets it with the next one.
    void add_iteration(const IterationFacts& facts);

    /// Does nothing when the checkpoint of this iteration is there already. When it cannot be
    /// written that is a warning as long as an older one is there, else Error (cannot_write).
    void write_checkpoint(const Checkpoint& checkpoint);

    /// Whether one more leaves their share of the time small, where that was asked for. @collective
    bool has_time_for_checkpoint() const;

    /// The same for the last one, which must be written. Throws Error (cannot_write).
    void write_last_checkpoint(const Checkpoint& checkpoint);

    /// The model alone, before what may take long. Throws Error (cannot_write).
    void write_model_ahead(const Model& model);

    /// Model, unless the run has none to offer, best model, if any, and summary. Throws Error
    /// (cannot_write).
    void write_results(const TrainOutcome& outcome, const RunFacts& facts);

    /// The newest checkpoint that is safe; known on rank 0.
    const std::filesystem::path& checkpoint_path() const { return acknowledged_path_; }
    double checkpoint_seconds() const { return checkpoint_seconds_; }
    /// Of those: messages, and waiting for other ranks.
    double checkpoint_exchange_seconds() const { return checkpoint_exchange_seconds_; }

  private:
    void write_metrics();

    const comm::Communicator& comm_;
    const TrainOptions& options_;
    TrainObserver& observer_;
    std::unique_ptr<RunDirectory> directory_;  ///< on rank 0
    std::unique_ptr<CheckpointStore> store_;   ///< on rank 0
    bool has_soft_labels_ = false;             ///< so that rows have no side
    Index acknowledged_iteration_ = -1;
    bool has_warned_of_checkpoints_ = false;  ///< since the last one was written
    std::filesystem::path acknowledged_path_;
    std::string unwritten_metrics_;  ///< on rank 0: lines that the disk did not take yet
    std::chrono::steady_clock::time_point checkpoint_end_;
    double last_checkpoint_seconds_ = 0;
    double checkpoint_seconds_ = 0;
    double checkpoint_exchange_seconds_ = 0;
};

}  // namespace paralogit::train
