#include "run_record.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <string>
#include <vector>

#include "paralogit/comm/agreement.hpp"
#include "paralogit/train/report.hpp"
#include "paralogit/train/resume.hpp"

namespace paralogit::train {

namespace {

Error no_checkpoint_is_whole(const CheckpointStore::Found& found) {
    std::string text = "cannot resume: no checkpoint is whole:";
    for (const auto& [path, reason] : found.rejected) {
        text += "\n  " + path.string() + ": " + reason;
    }
    return {ExitCode::model_file, text + "\nstart again with --overwrite, or in another --out"};
}

/// The files that the run reads, but for a model to begin with: what follows it may replace it.
std::vector<std::string> inputs_of(const TrainOptions& options) {
    std::vector<std::string> inputs = data::expand_paths(options.paths);
    std::ranges::move(data::expand_paths(options.validation_paths), std::back_inserter(inputs));
    const PenaltyOptions& penalty = options.penalty;
    for (const std::string& source : {penalty.factors, penalty.lower, penalty.upper}) {
        // A file, or FILE:NAME.
        inputs.push_back(source);
        inputs.push_back(source.substr(0, source.rfind(':')));
    }
    return inputs;
}

/// What an earlier stop left would not be this summary's.
void remove_older(const std::filesystem::path& file) {
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
}

}  // namespace

RunRecord::RunRecord(const comm::Communicator& comm, const TrainOptions& options,
                     TrainObserver& observer)
    : comm_(comm), options_(options), observer_(observer) {
    comm::on_root(comm_, [&] {
        directory_ =
            std::make_unique<RunDirectory>(options.out, options.existing, inputs_of(options));
        store_ =
            std::make_unique<CheckpointStore>(directory_->checkpoints(), options.keep_checkpoints);
    });
}

CheckpointStore::Found RunRecord::find_checkpoint(const Checkpoint& now) const {
    CheckpointStore::Found found;
    comm::on_root(comm_, [&] {
        if (options_.existing != ExistingRun::resume) {
            return;
        }
        found = store_->newest();
        if (found.checkpoint) {
            check_resumable(*found.checkpoint, now, found.path);
        } else if (!found.rejected.empty()) {
            throw no_checkpoint_is_whole(found);
        }
    });
    return found;
}

void RunRecord::begin(const CheckpointStore::Found& resumed, Index resumed_iteration,
                      bool has_soft_labels) {
    has_soft_labels_ = has_soft_labels;
    comm::on_root(comm_, [&] {
        directory_->begin();
        store_->remove_leftovers();
        directory_->write_text(directory_->config_used(), options_.config_used);
        directory_->keep_metrics_up_to(resumed_iteration);
    });
    acknowledged_iteration_ = resumed_iteration;
    acknowledged_path_ = resumed.path;
    if (resumed_iteration >= 0) {
        observer_.on_resumed(resumed, resumed_iteration);
    } else if (options_.existing == ExistingRun::resume) {
        observer_.on_warning("there is no checkpoint to resume yet: starting from the beginning");
    }
}

void RunRecord::add_iteration(const IterationFacts& facts) {
    if (!comm_.is_root()) {
        return;
    }
    unwritten_metrics_ += (unwritten_metrics_.empty() ? "" : "\n") +
                          metrics_line(facts, options_.loss, has_soft_labels_);
    try {
        write_metrics();
    } catch (const Error&) {
        // The other ranks are on their way to the next Allreduce. The lines are tried again with
        // the next one, and at the next checkpoint, where all ranks meet.
    }
}

void RunRecord::write_metrics() {
    if (!unwritten_metrics_.empty()) {
        directory_->append_metrics(unwritten_metrics_);
        unwritten_metrics_.clear();
    }
}

void RunRecord::write_checkpoint(const Checkpoint& checkpoint) {
    if (acknowledged_iteration_ == checkpoint.state.iteration) {
        return;
    }
    const TraceSpan span(main_lane(options_.execution.trace), "checkpoint",
                         checkpoint.state.iteration);
    const auto begin = std::chrono::steady_clock::now();
    const double exchanged = comm_.exchange_seconds();
    try {
        comm::on_root(comm_, [&] {
            // Going on from a checkpoint must not leave a gap in the metrics.
            write_metrics();
            acknowledged_path_ = store_->write(checkpoint);
        });
        acknowledged_iteration_ = checkpoint.state.iteration;
        has_warned_of_checkpoints_ = false;
        observer_.on_checkpoint(acknowledged_iteration_, acknowledged_path_);
    } catch (const Error& error) {
        if (acknowledged_iteration_ < 0) {
            throw;
        }
        // One may be due every few milliseconds, and the disk may stay full for hours.
        if (!has_warned_of_checkpoints_) {
            observer_.on_warning(std::string(error.what()) + "; the checkpoint of iteration " +
                                 std::to_string(acknowledged_iteration_) +
                                 " is kept, until one can be written again");
        }
        has_warned_of_checkpoints_ = true;
    }
    checkpoint_end_ = std::chrono::steady_clock::now();
    last_checkpoint_seconds_ = std::chrono::duration<double>(checkpoint_end_ - begin).count();
    checkpoint_seconds_ += last_checkpoint_seconds_;
    checkpoint_exchange_seconds_ += comm_.exchange_seconds() - exchanged;
}

bool RunRecord::has_time_for_checkpoint() const {
    constexpr double times_longer = 19;
    if (!options_.spares_checkpoints) {
        return true;
    }
    const std::chrono::duration<double> since = std::chrono::steady_clock::now() - checkpoint_end_;
    // Each rank has a clock of its own: that of rank 0 decides.
    std::array<double, 1> is_time{since.count() >= times_longer * last_checkpoint_seconds_ ? 1.0
                                                                                           : 0.0};
    comm_.broadcast(is_time);
    return is_time[0] != 0;
}

void RunRecord::write_last_checkpoint(const Checkpoint& checkpoint) {
    write_checkpoint(checkpoint);
    if (acknowledged_iteration_ != checkpoint.state.iteration) {
        throw comm::AgreedError(Error(ExitCode::cannot_write,
                                      options_.out.string() +
                                          ": the last checkpoint cannot be written; the one of "
                                          "iteration " +
                                          std::to_string(acknowledged_iteration_) +
                                          " is whole: free some space and go on with --resume"));
    }
}

void RunRecord::write_model_ahead(const Model& model) {
    comm::on_root(comm_, [&] {
        // These would be of another model.
        for (const auto& file :
             {directory_->inference_json(), directory_->inference_csv(), directory_->summary()}) {
            remove_older(file);
        }
        write_model(directory_->model(), model);
    });
}

void RunRecord::write_results(const TrainOutcome& outcome, const RunFacts& facts) {
    comm::on_root(comm_, [&] {
        write_metrics();
        if (has_model(outcome.reason)) {
            write_model(directory_->model(), outcome.model);
        } else {
            remove_older(directory_->model());
        }
        if (outcome.best) {
            write_model(directory_->best_model(), outcome.best->model);
        }
        if (outcome.inference) {
            directory_->write_text(directory_->inference_json(),
                                   inference_json(*outcome.inference));
            directory_->write_text(directory_->inference_csv(), inference_csv(*outcome.inference));
        } else {
            remove_older(directory_->inference_json());
            remove_older(directory_->inference_csv());
        }
        directory_->write_text(directory_->summary(), summary_json(outcome, facts, options_));
    });
}

}  // namespace paralogit::train
