#include "validation_run.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <utility>

#include "../load/used_features.hpp"
#include "paralogit/comm/agreement.hpp"
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
        if (options.early_stopping_metric == ValidationMetric::roc_auc &&
            !validation_->has_both_classes()) {
            const data::FilePart& file = rows->manifest.files.front();
            throw comm::AgreedError(
                Error(ExitCode::input_data,
                      fmt::format("{}:{}: all validation rows are of one class, of which there is "
                                  "no ROC AUC; give other rows to validate by, or "
                                  "--early-stopping-metric loss",
                                  file.path, file.labels_path)));
        }
    }
}

std::optional<ValidationScores> ValidationRun::score(const Vector& parameters) const {
    if (!validation_) {
        return std::nullopt;
    }
    // Validation rows may have entries of features that no training row has any of.
    const Index kept = training_.shard.features;
    if (kept == training_.manifest.features) {
        return validation_->score(parameters);
    }
    Vector of_all = Vector::Zero(training_.manifest.features + (parameters.size() - kept));
    for (Index k = 0; k < kept; ++k) {
        of_all[number_in_files(training_, k)] = parameters[k];
    }
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

namespace {

double measure_of(const ValidationScores& scores, ValidationMetric metric) {
    if (metric == ValidationMetric::loss) {
        return scores.loss;
    }
    return std::isnan(scores.roc_auc) ? std::numeric_limits<double>::infinity() : -scores.roc_auc;
}

}  // namespace

void note_if_best(std::optional<BestParameters>& best, ValidationMetric metric,
                  const IterationFacts& facts, const Vector& parameters) {
    if (!facts.validation) {
        return;
    }
    const double measure = measure_of(*facts.validation, metric);
    if (!best || measure < best->measure) {
        best = BestParameters{
            .iteration = facts.iteration, .measure = measure, .parameters = parameters};
    }
}

}  // namespace paralogit::train
