#pragma once

#include "paralogit/train/data_set.hpp"

namespace paralogit::train {

/// Loads the features of sparse rows and looks at each block as it comes; what all ranks know then
/// of all rows. Of bad values and row weights that in the lowest row is thrown. @collective
SparseFacts load_and_scan_sparse(const comm::Communicator& comm, const data::Manifest& manifest,
                                 const data::ShardPlan& plan, data::Shard& shard,
                                 const Execution& execution, model::ColumnBounds& bounds);

/// The bounds of rows in memory, whose values were found finite when they were loaded. @collective
model::ColumnBounds bounds_of_sparse(const comm::Communicator& comm, const DataSet& data,
                                     std::int32_t weight_exponent);

}  // namespace paralogit::train
