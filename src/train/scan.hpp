#pragma once

#include "paralogit/train/data_set.hpp"

namespace paralogit::train {

/// Where deviations are counted from: from the rows of positive weight that come first. The row
/// weights are there, the features need not be. @collective
model::ScanFrame make_scan_frame(const comm::Communicator& comm, const data::Manifest& manifest,
                                 const data::ShardPlan& plan, const data::Shard& shard);

/// Of the largest sum of row weights of any block of any rank, as ScanFrame has it. @collective
std::int32_t largest_weight_exponent(const comm::Communicator& comm, const data::ShardPlan& plan,
                                     const data::Shard& shard);

/// Makes this rank's scan that of all rows. @collective
void join(const comm::Communicator& comm, model::ColumnScan& scan);

/// The scan of all rows in another frame, from memory. @collective
model::ColumnScan scan_again(const comm::Communicator& comm, const DataSet& data,
                             const model::ScanFrame& frame);

}  // namespace paralogit::train
