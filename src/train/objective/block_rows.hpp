#pragma once

#include <span>

#include "paralogit/data/shard_walk.hpp"
#include "paralogit/train/data_set.hpp"

namespace paralogit::train {

/// Margins of the rows of the block that a walk is at, whether they are dense or sparse.
void margins_of_block(const DataSet& data, const data::ShardWalk& walk,
                      std::span<const double> coefficients, double intercept,
                      std::span<double> margins);

}  // namespace paralogit::train
