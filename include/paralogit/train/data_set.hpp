#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "paralogit/comm/communicator.hpp"
#include "paralogit/data/shard.hpp"
#include "paralogit/data/shard_walk.hpp"
#include "paralogit/model/column_scan.hpp"
#include "paralogit/train/execution.hpp"

namespace paralogit::train {

/// A data set spread over the ranks: this rank's rows, and what all ranks know of all rows.
struct DataSet {
    data::Manifest manifest;
    data::ShardPlan plan;
    data::Shard shard;
    /// Of the columns of all rows.
    model::ColumnScan scan;
    Execution execution;
    std::string label_description;  ///< empty without labels
    Index global_bytes = 0;         ///< of shards, on all ranks
    MemoryPlan memory;

    /// Of all rows, taken from the files so far on all ranks: once when they were loaded, and again
    /// in each pass what is streamed. @collective
    Index bytes_read(const comm::Communicator& comm) const;
};

/// Describes the files on rank 0, loads each rank's rows, joins what was learned. Errors are the
/// same on all ranks. Throws Error (input_data). @collective
DataSet load_data_set(const comm::Communicator& comm, std::span<const std::string> paths,
                      const data::SourceOptions& source, const Execution& execution = {});

}  // namespace paralogit::train
