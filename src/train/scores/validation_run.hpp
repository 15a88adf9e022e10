#pragma once

#include <memory>
#include <optional>
#include <string>

#include "paralogit/train/checkpoint.hpp"
#include "paralogit/train/trainer.hpp"

namespace paralogit::train {

/// The validation rows of a run, if it has some: held out of its data set, or of files of their
/// own.
class ValidationRun {
  public:
    /// Loads the files, if there are some, into the memory that `training` left; that must outlive
    /// this. Throws Error (input_data), also where the metric needs two classes. @collective
    ValidationRun(const comm::Communicator& comm, const TrainOptions& options,
                  std::optional<data::Manifest> files, const DataSet& training);

    /// Null without validation rows.
    const DataSet* rows() const { return validation_ ? &validation_->data() : nullptr; }

    /// Empty without validation rows. @collective
    std::optional<ValidationScores> score(const Vector& parameters) const;

    /// What a resumed run has to have the same, for its lowest loss is a loss on these rows. Rows
    /// that are held out are in the fingerprint of the data set.
    std::string path_option() const;

    /// Throws Error (input_data) when a file was written to meanwhile. Not collective.
    void check_unchanged() const;

    double seconds() const { return validation_ ? validation_->seconds() : 0.0; }

  private:
    const DataSet& training_;
    std::unique_ptr<DataSet> data_;  ///< of files
    std::string fingerprint_;        ///< of files
    std::unique_ptr<Validation> validation_;
};

/// Takes parameters for the best of the run when they are better on the validation rows than all
/// before.
void note_if_best(std::optional<BestParameters>& best, ValidationMetric metric,
                  const IterationFacts& facts, const Vector& parameters);

}  // namespace paralogit::train
