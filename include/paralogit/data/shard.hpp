#pragma once

#include <memory>
#include <vector>

#include "paralogit/data/labels.hpp"
#include "paralogit/data/manifest.hpp"
#include "paralogit/data/shard_plan.hpp"
#include "paralogit/model/block.hpp"
#include "paralogit/model/column_scan.hpp"

namespace paralogit::data {

/// Bytes aligned for vector loads, not initialised.
class Buffer {
  public:
    Buffer() = default;
    /// Throws std::bad_alloc.
    explicit Buffer(Index bytes);

    std::byte* data() { return bytes_.get(); }
    const std::byte* data() const { return bytes_.get(); }
    Index size() const { return size_; }

  private:
    struct Free {
        void operator()(std::byte* bytes) const;
    };
    std::unique_ptr<std::byte[], Free> bytes_;
    Index size_ = 0;
};

/// The rows of one rank: whole blocks of the plan. Features lie row-major in their stored type.
struct Shard {
    ElementType type = ElementType::float64;
    Index features = 0;
    Range rows;    ///< global
    Range blocks;  ///< global
    Buffer values;
    std::vector<double> labels;       ///< [rows]; empty when the data set has none
    std::vector<double> row_weights;  ///< [rows]; empty when every weight is 1

    /// A view of one of its blocks.
    model::Block block(Index global_block, const ShardPlan& plan) const;
};

/// A shard as it comes from the files: labels still as stored.
struct LoadedShard {
    Shard shard;
    RawLabels raw_labels;
    model::ColumnScan scan;
    Index bytes_read;  ///< of values, as they lie in memory
};

/// Reads the rows of one rank: each file is opened only when it holds some of them, in bands of
/// whole chunks, each chunk once. Scans the features for bad values and checks the row weights.
/// Throws Error (input_data), with the row when one value is at fault; std::bad_alloc. Not
/// collective.
LoadedShard load_shard(const Manifest& manifest, const ShardPlan& plan, int rank, int ranks);

/// Bytes that load_shard will hold for this rank.
Index bytes_of_shard(const Manifest& manifest, const ShardPlan& plan, int rank, int ranks);

/// Throws Error (input_data) when a file is no longer what it was when it was described.
void check_unchanged(const Manifest& manifest);

}  // namespace paralogit::data
