#include "validation_run.hpp"

#include <fmt/format.h>

#include <utility>

#include "../load/used_features.hpp"
#include "paralogit/train/resume.hpp"

namespace paralogit::train {

ValidationRun::ValidationRun(const comm::Communicator& comm, const TrainOptions& options,
                             std::optional<data::Manifest> files, const DataSet& training)
    : training_(training) {
    const DataSet* rows = training.held_out.get();
    if (files) {
        Execution execution = options.execution;
        execution.memory = limit_of_what_is_left(execution.memory, training.memory);
        data_ = std::make_unique<DataSet>(
            load_validation_set(comm, *std::move(files), options.source, execution, training));
        rows = data_.get();
        fingerprint_ = compute_moments(comm, *data_).fingerprint;
    }
    if (rows != nullptr) {
        validation_ =
            std::make_unique<Validation>(comm, *rows, options.has_intercept, options.loss);
    }
}

std::optional<ValidationScores> ValidationRun::score(const Vector& parameters) const {
    if (!validation_) {
        return std::nullopt;
    }
    // Validation rows may have entries of features that no training row has any of.
    const Index kept = training_.shard.features;
    Vector of_all(training_.manifest.features + (parameters.size() - kept));
    of_all.head(training_.manifest.features) = of_all_features(training_, parameters.head(kept));
    if (parameters.size() > kept) {
        of_all[of_all.size() - 1] = parameters[kept];
    }
    return validation_->score(of_all);
}

std::string ValidationRun::path_option() const {
    return data_ ? with_digest(fmt::format("{} rows", data_->manifest.rows),
                               fmt::format("{:.16}", fingerprint_))
                 : "unset";
}

void ValidationRun::check_unchanged() const {
    if (data_) {
        data_->shard.check_unchanged();
    }
}

void note_if_best(std::optional<BestParameters>& best, const IterationFacts& facts,
                  const Vector& parameters) {
    if (facts.validation && (!best || facts.validation->loss < best->loss)) {
        best = BestParameters{
            .iteration = facts.iteration, .loss = facts.validation->loss, .parameters = parameters};
    }
}

}  // namespace paralogit::train
