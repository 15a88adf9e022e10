#pragma once

#include <vector>

#include "paralogit/comm/communicator.hpp"
#include "paralogit/data/shard.hpp"
#include "paralogit/train/row_use.hpp"

namespace paralogit::train {

// What a RowUse does to the row weights of a shard, before anything else is made of them: labels
// and row weights are there, the features need not be.

/// Which rows are held out of training, and what their row weights are.
struct HeldOutRows {
    std::vector<Index> rows;      ///< of this rank, global
    std::vector<double> weights;  ///< of these; empty when every weight is 1
    Index global_count = 0;
};

/// Gives them the row weight 0. Throws Error (input_data) when none is left, or none is taken.
/// @collective
HeldOutRows hold_out_rows(const comm::Communicator& comm, const data::HoldOut& hold_out,
                          const data::Manifest& manifest, int threads, data::Shard& shard);

/// Multiplies the row weights by those of the classes, and returns these: 1 for a class without
/// rows that is to be balanced. Throws Error (input_data) for soft labels, and where the classes
/// are too unequal to balance. @collective
ClassWeights weigh_classes(const comm::Communicator& comm, const RowUse& use,
                           const data::Manifest& manifest, const data::ShardPlan& plan,
                           bool are_labels_soft, data::Shard& shard);

}  // namespace paralogit::train
