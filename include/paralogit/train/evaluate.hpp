#pragma once

#include "paralogit/model/metrics.hpp"
#include "paralogit/train/data_set.hpp"
#include "paralogit/train/model_file.hpp"

namespace paralogit::train {

/// How a model does on a data set. Weighted by row weights where there are some. The same bits for
/// any number of ranks.
struct Scores {
    Index rows = 0;
    double weight_sum = 0;
    double log_loss = 0;  ///< the mean BCE
    /// By the threshold; rows with soft labels are in none of them.
    model::Confusion confusion;
    Index soft_rows = 0;
};

/// A row is predicted positive when its probability exceeds `threshold`. One pass; a few small
/// messages, none of the size of the data.
/// @collective
Scores evaluate(const comm::Communicator& comm, const Model& model, const DataSet& data,
                double threshold);

}  // namespace paralogit::train
