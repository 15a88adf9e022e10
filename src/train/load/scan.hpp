#pragma once

#include "paralogit/train/data_set.hpp"

namespace paralogit::train {

/// Where deviations are counted from: from the rows of positive weight that come first. The row
/// weights are there, the features need not be. @collective
model::ScanFrame make_scan_frame(const comm::Communicator& comm, const data::Manifest& manifest,
                                 const data::ShardPlan& plan, const data::Shard& shard);

/// Exponent of the largest sum of row weights of any block of any rank. @collective
std::int32_t largest_weight_exponent(const comm::Communicator& comm, const data::ShardPlan& plan,
                                     const data::Shard& shard);

/// That in the lower row, and in one row the first.
std::optional<model::ColumnScan::BadValue> lowest(
    const std::optional<model::ColumnScan::BadValue>& one,
    const std::optional<model::ColumnScan::BadValue>& other);

/// Throws what lies in the lower row, if there is anything: a value that is not finite or marked as
/// missing, or a bad row weight. So the message is the same however the rows are spread.
void throw_lowest(const std::optional<model::ColumnScan::BadValue>& bad_value,
                  const std::optional<Error>& bad_weight, const data::Manifest& manifest);

/// Makes this rank's scan that of all rows. @collective
void join(const comm::Communicator& comm, model::ColumnScan& scan);

/// The scan of all rows in another frame, from memory. @collective
model::ColumnScan scan_again(const comm::Communicator& comm, const DataSet& data,
                             const model::ScanFrame& frame);

}  // namespace paralogit::train
