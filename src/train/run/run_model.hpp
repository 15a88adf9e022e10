#pragma once

#include "paralogit/optim/stopping.hpp"
#include "paralogit/train/checkpoint.hpp"
#include "paralogit/train/data_set.hpp"
#include "paralogit/train/model_file.hpp"
#include "paralogit/train/penalties.hpp"

namespace paralogit::train {

struct RunDescription {
    const DataSet& data;
    const Checkpoint& checkpoint;  ///< its options, fingerprint and version
    bool has_intercept;
};

/// The model of a run, of all features of the files, with what it takes to predict and reproduce.
Model model_of_run(const RunDescription& run, const Vector& parameters, optim::StopReason reason);

}  // namespace paralogit::train
