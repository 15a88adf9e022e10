#pragma once

#include "paralogit/train/data_set.hpp"
#include "paralogit/train/model_file.hpp"
#include "paralogit/train/rank_metrics.hpp"

namespace paralogit::train {

/// How a model does on a data set. Weighted by row weights where there are some. A row with a soft
/// label y counts as y of a positive and 1 - y of a negative row, except in the two means, which
/// know it as it is. The same bits for any number of ranks.
struct Scores {
    Index rows = 0;
    Index soft_rows = 0;
    double weight_sum = 0;
    double log_loss = 0;     ///< the mean BCE
    double brier_score = 0;  ///< the mean of (probability - label)^2
    /// From the order of the margins. Rows tie when their margins are equal, not already where two
    /// probabilities round to the same number, such as 1.
    RankMetrics ranking;
};

/// A row is predicted positive when its probability exceeds the threshold. One pass over the data;
/// then the margins are brought into order, see RankedScores for its cost.
/// @collective
Scores evaluate(const comm::Communicator& comm, const Model& model, const DataSet& data,
                const ThresholdRule& rule);

}  // namespace paralogit::train
