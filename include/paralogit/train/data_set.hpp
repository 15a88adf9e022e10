#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "paralogit/comm/communicator.hpp"
#include "paralogit/data/shard.hpp"
#include "paralogit/model/column_bounds.hpp"
#include "paralogit/model/column_scan.hpp"
#include "paralogit/model/exact_sum.hpp"
#include "paralogit/model/scattered_sums.hpp"
#include "paralogit/train/execution.hpp"

namespace paralogit::train {

/// What all ranks know of all rows beside bounds, when these are sparse.
struct SparseFacts {
    model::ExactSums sums;      ///< of row weights, of row weights times labels
    std::uint64_t hash = 0;     ///< of the rows in their order (see SparseTally)
    model::ScatterScale scale;  ///< for sums over entries with factors up to the row weights
    std::vector<bool> is_used;  ///< the features that some row has an entry of  [d]
    /// Their numbers in the files when the shard's features are these alone, else empty.
    std::vector<std::uint32_t> kept_features;
};

/// A data set spread over the ranks: this rank's rows, and what all ranks know of all rows.
struct DataSet {
    data::Manifest manifest;
    data::ShardPlan plan;
    data::Shard shard;
    model::ColumnBounds bounds;
    /// Of the columns of all rows, when these are dense.
    model::ColumnScan scan;
    std::optional<SparseFacts> sparse;
    Execution execution;
    std::string label_description;  ///< empty without labels
    Index global_bytes = 0;         ///< of shards, on all ranks
};

/// Describes the files on rank 0, loads each rank's rows, joins what was learned. Errors are the
/// same on all ranks. Throws Error (input_data). @collective
DataSet load_data_set(const comm::Communicator& comm, std::span<const std::string> paths,
                      const data::SourceOptions& source, const Execution& execution = {});

}  // namespace paralogit::train
