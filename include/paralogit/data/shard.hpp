#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "paralogit/data/labels.hpp"
#include "paralogit/data/manifest.hpp"
#include "paralogit/data/shard_plan.hpp"
#include "paralogit/data/values.hpp"
#include "paralogit/model/block.hpp"
#include "paralogit/model/sparse_block.hpp"

namespace paralogit {
class Trace;
}

namespace paralogit::data {

/// The entries of a shard of sparse rows.
struct SparseValues {
    Values values;               ///< [entries] in their stored type
    Values indices;              ///< [entries] of 32 bits
    std::vector<Index> offsets;  ///< [rows + 1], from 0
    /// Of each row where its entries begin, and where those of its lone features do; empty where
    /// none are set apart.  [2 rows]
    std::vector<Index> shared_bounds;
};

class FeatureStream;
class SparseStream;

/// The rows of one rank: whole blocks of the plan. Features lie row-major in their stored type, or
/// are sparse. What memory has no room for stays in the files: see hold_within and ShardWalk, which
/// goes through all blocks.
struct Shard {
    ElementType type = ElementType::float64;
    Index features = 0;
    Range rows;                       ///< global
    Range blocks;                     ///< global
    Values values;                    ///< of the dense rows that are held
    SparseValues sparse;              ///< of sparse rows
    Labels labels;                    ///< [rows]; empty when the data set has none
    std::vector<double> row_weights;  ///< [rows]; empty when every weight is 1
    /// Of the blocks that are not held; null when all are.
    std::shared_ptr<FeatureStream> stream;
    /// Of sparse rows none is held then: see SparseWalk.
    std::shared_ptr<SparseStream> sparse_stream;
    Trace* trace = nullptr;  ///< where it is noted how the rows are read; null: nowhere

    bool is_sparse() const { return !sparse.offsets.empty() || sparse_stream != nullptr; }

    /// A view of a block whose features are held: of dense rows, of sparse rows.
    model::Block block(Index global_block, const ShardPlan& plan) const {
        return block(global_block, plan, values_of(global_block, plan));
    }
    model::SparseBlock sparse_block(Index global_block, const ShardPlan& plan) const {
        return sparse_block(global_block, plan, *this);
    }
    /// The same with the entries of a shard that has this block.
    model::SparseBlock sparse_block(Index global_block, const ShardPlan& plan,
                                    const Shard& entries) const;
    /// The same with the features of a block that lie elsewhere.
    model::Block block(Index global_block, const ShardPlan& plan,
                       const std::byte* values_of_block) const;
    /// Where the features of a block are held.
    const std::byte* values_of(Index global_block, const ShardPlan& plan) const;

    /// The first of its blocks, and of its rows, whose features are in memory.
    Range held() const;
    Range held_rows(const ShardPlan& plan) const;
    /// Of features, labels and row weights of all rows, as they are or would be held.
    Index bytes() const;
    /// Of features that each pass reads from files, and that all have read so far.
    Index streamed_bytes() const;
    Index bytes_streamed_so_far() const;
    /// Memory that they take while they pass through it, at most.
    Index passing_bytes() const;

    /// Throws Error (input_data) when a file that is mapped or read in each pass was written to or
    /// cut since it was described: what was computed from it may then be of no data set at all.
    void check_unchanged() const;
};

/// The shard of a rank, which rows and blocks it has but none of its values.
Shard empty_shard(const Manifest& manifest, const ShardPlan& plan, int rank, int ranks);

/// Other numbers for the features of sparse rows. Those below `first_lone` rise with the old ones,
/// and so do those from there on among themselves.
struct Renumbering {
    std::vector<std::uint32_t> new_index;  ///< by old numbers; empty for no change
    Index first_lone = 0;
    bool has_lone = false;
};

/// Gives the features of sparse rows their new numbers, and sorts each row by them; where rows are
/// streamed, from now on. Memory: 4 bytes an entry for a while, or as many as a value has.
void renumber(Shard& shard, Renumbering numbers, int threads);

/// What the files say of rows beside their features.
struct RowColumns {
    RawLabels labels;                 ///< as stored
    std::vector<double> row_weights;  ///< [rows]; empty when every weight is 1
};

/// Reads labels and row weights of a range of global rows; each file is opened only when it holds
/// some of them. Throws Error (input_data). Not collective.
RowColumns load_row_columns(const Manifest& manifest, Range rows);

/// The error of the first row weight that is negative or not finite.
std::optional<Error> find_bad_weight(const Shard& shard, const Manifest& manifest);

/// Called with a block whose features, labels and row weights are all there, by the thread of that
/// number.
using BlockReady = std::function<void(int thread, const model::Block& block)>;

/// Brings the features of a shard into memory as far as they are to be held, and calls `on_block`
/// exactly once for each of its blocks, as soon as it is there and mostly while it is in the cache.
/// The labels and row weights have to be there before. Thread t takes the blocks
/// part_of(shard.held, t, threads), in order, the same that it will compute on, so that memory is
/// near it; then what is not held is walked through once.
///
/// Rows that lie in one contiguous dataset are mapped, not copied; else they are read: contiguous
/// and chunked datasets by all threads, what needs a conversion through the HDF5 library by one.
/// Each file is opened only when it holds some of the rows. Beside the shard itself it takes some
/// 32 MB, and a few chunks per thread. Throws Error (input_data); std::bad_alloc; and what
/// `on_block` throws. Not collective.
void load_features(const Manifest& manifest, const ShardPlan& plan, Shard& shard, int threads,
                   const BlockReady& on_block);

/// As BlockReady, of sparse rows.
using SparseBlockReady = std::function<void(int thread, const model::SparseBlock& block)>;

/// The same for sparse rows. Checks that the offsets of the rows rise within the entries, and that
/// the indices of each row rise strictly and name a feature. Values, and indices of 32 bits, are
/// mapped where the layout allows; other indices are narrowed while they are read.
void load_sparse_features(const Manifest& manifest, const ShardPlan& plan, Shard& shard,
                          int threads, const SparseBlockReady& on_block);

/// Throws Error (input_data) when a file is no longer what it was when it was described.
void check_unchanged(const Manifest& manifest);

}  // namespace paralogit::data
