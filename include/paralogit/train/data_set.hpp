#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "paralogit/comm/communicator.hpp"
#include "paralogit/data/labels.hpp"
#include "paralogit/data/shard.hpp"
#include "paralogit/data/shard_walk.hpp"
#include "paralogit/model/column_bounds.hpp"
#include "paralogit/model/column_scan.hpp"
#include "paralogit/model/exact_sum.hpp"
#include "paralogit/model/scattered_sums.hpp"
#include "paralogit/train/execution.hpp"
#include "paralogit/train/row_use.hpp"

namespace paralogit::train {

/// What all ranks know of all rows beside bounds, when these are sparse.
struct SparseFacts {
    model::ExactSums sums;      ///< of row weights, of row weights times labels
    std::uint64_t hash = 0;     ///< of the rows in their order (see SparseTally)
    model::ScatterScale scale;  ///< for sums over entries with factors up to the row weights
    std::vector<bool> is_used;  ///< the features that some row has an entry of  [d]
    /// Their numbers in the files when the shard's features are these alone, else empty.
    std::vector<std::uint32_t> kept_features;
    /// Of which one row of all has an entry and no other, where they are set apart: so many of the
    /// shard's features, the last ones.
    Index lone_features = 0;
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
    MemoryPlan memory;

    /// Of all rows, taken from the files so far on all ranks: once when they were loaded, and again
    /// in each pass what is streamed. @collective
    Index bytes_read(const comm::Communicator& comm) const;

    std::optional<data::LabelRule> label_rule;  ///< empty without labels
    ClassWeights class_weights;                 ///< that the row weights have in them
    /// The rows that are held out, a copy, with the row weights of the files: block k has those of
    /// block k. Here they have the row weight 0, which no sum is changed by.
    std::unique_ptr<DataSet> held_out;

    /// All but those that are held out.
    Index training_rows() const { return manifest.rows - (held_out ? held_out->manifest.rows : 0); }
};

/// What is in some files, looked at by rank 0. Throws Error (input_data). @collective
data::Manifest describe_files(const comm::Communicator& comm, std::span<const std::string> paths,
                              const data::SourceOptions& source);

/// Describes the files on rank 0, loads each rank's rows, joins what was learned. Errors are the
/// same on all ranks. A use that changes weights costs 8 bytes a row where the files have no row
/// weights, and what is held out its part of the shard. Throws Error (input_data). @collective
DataSet load_data_set(const comm::Communicator& comm, std::span<const std::string> paths,
                      const data::SourceOptions& source, const Execution& execution = {},
                      const RowUse& use = {});

/// The same for described files of rows that are judged by a model of `training`: features and
/// labels have to go with those, and labels mean what they mean there. @collective
DataSet load_validation_set(const comm::Communicator& comm, data::Manifest manifest,
                            const data::SourceOptions& source, const Execution& execution,
                            const DataSet& training);

}  // namespace paralogit::train
