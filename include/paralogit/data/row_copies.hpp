#pragma once

#include "paralogit/base/buffer.hpp"
#include "paralogit/data/shard.hpp"

namespace paralogit::data {

/// Some rows of a shard by themselves, and the plan that goes with them: block k has those of the
/// shard's block k.
struct SomeRows {
    Shard shard;
    ShardPlan plan;
};

/// Copies some rows of a shard while it is loaded, when they are in the cache anyway, and none of
/// its blocks has to be read again:
///
///     RowCopies copies(shard, plan, rows, false);
///     load_features(..., [&](int, const model::Block& block) { copies.take(block); });
///     SomeRows some = copies.finish(shard, threads);
class RowCopies {
  public:
    /// `rows` are global, rising, and of the shard, which may be loaded later: then it does not
    /// tell whether they are sparse. `plan` must live as long. Throws std::bad_alloc.
    RowCopies(const Shard& shard, const ShardPlan& plan, std::span<const Index> rows,
              bool are_sparse);

    /// To be called once with each block of dense rows. Any thread.
    void take(const model::Block& block);

    /// When all blocks were taken; the entries of sparse rows are copied only now, by some threads,
    /// which read them twice where they are streamed. With it this has no more rows. Throws Error
    /// (input_data); std::bad_alloc. Not collective.
    SomeRows finish(const Shard& shard, int threads);

  private:
    const ShardPlan& plan_;
    bool are_sparse_;
    Range blocks_;
    std::vector<Index> rows_;
    std::vector<Index> first_rows_;  ///< the positions in `rows_` of those of each block; the end
    Index row_bytes_ = 0;
    Buffer features_;
};

}  // namespace paralogit::data
