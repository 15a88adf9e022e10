#pragma once

#include <vector>

#include "paralogit/base/buffer.hpp"
#include "paralogit/data/fetch_rows.hpp"
#include "paralogit/model/batch_sums.hpp"
#include "paralogit/model/row_order.hpp"
#include "paralogit/train/data_set.hpp"

namespace paralogit::train {

/// Finds a rank's own rows among some places of an order. Rows that are held stay where they are.
/// Those that are in files are read for as many places at once as a window has room for, in rising
/// order, so that a file is gone through once for each window and not once for each batch.
class RowPicker {
  public:
    /// `data` must outlive this. Places count rows from `first_row` on.
    RowPicker(const DataSet& data, Index first_row);

    /// Makes rows in files ready that have places in `batch`, and behind it up to `end` as far as
    /// there is room. A new order begins with an empty window. Not to be called by several threads.
    void prepare(const model::RowOrder& order, Range batch, Index end);
    void forget_window() { window_ = {}; }

    /// Whether all that has places in a batch is at hand.
    bool has(Range batch) const {
        return !streams() || (batch.first >= window_.first && batch.end <= window_.end);
    }

    struct OwnPlaces {
        std::vector<Index> rows;    ///< counted in the shard
        std::vector<Index> places;  ///< where some rows are streamed
        // Instead, where rows stay together:
        std::vector<model::RowOrder::Run> runs;  ///< all ranks'
        std::vector<Range> groups;               ///< counted in the shard
    };
    /// This rank's rows at some places of what was prepared, in the groups of the order where they
    /// are dense; of groups all but labels and row weights, for which the memory is asked. Threads
    /// may do so at the same time; `own` and `picked` are memory that a thread keeps.
    void find(const model::RowOrder& order, Range places, OwnPlaces& own,
              model::PickedRows& picked) const;
    /// The labels and row weights of the groups that were found.
    void put_labels_of_groups(const OwnPlaces& own, model::PickedRows& picked) const;

    /// Memory of the window for a rank whose rows are streamed, at most: beside that through which
    /// dense rows pass; of sparse rows it is the same.
    static constexpr Index most_window_bytes = Index{32} << 20U;

  private:
    bool streams() const { return held_.end != data_.shard.rows.end; }
    void choose_window(const model::RowOrder& order, Range batch, Index end);
    Index bytes_in_window(Index row) const;
    void fetch_dense_window();
    void fetch_sparse_window();
    void copy_last_rows();
    void pack_labels();
    void ask_for_labels(Index first, Index end) const;
    std::size_t keep_own_rows(Range places, OwnPlaces& own) const;
    void find_groups(const model::RowOrder& order, Range places, OwnPlaces& own,
                     model::PickedRows& picked) const;
    void put_labels(const OwnPlaces& own, model::PickedRows& picked) const;
    void put_entries(const OwnPlaces& own, model::PickedRows& picked) const;
    const std::byte* values_of(Index row, Index place) const;

    const DataSet& data_;
    Index first_row_;
    Range held_;           ///< global rows
    Index last_rows_ = 0;  ///< from this held one on they are copied, for want of bytes behind
    Buffer copies_;
    std::size_t row_bytes_;
    Index window_bytes_;
    std::vector<std::uint64_t> label_bits_;  ///< of dense rows, where all are 0 or 1
    Range window_;                           ///< places
    /// Of the window's places: which of its rows they have, as these lie in memory; -1 for those
    /// that need none.
    std::vector<Index> slots_;
    std::vector<data::WantedRow> wanted_;
    std::vector<Index> rows_;
    Buffer values_;
    // Of sparse rows beside their values:
    Buffer indices_;
    std::vector<Index> window_offsets_;  ///< of the rows of the window, in rising order
    std::vector<Index> offsets_;         ///< of the shard's rows, when these are in files
};

}  // namespace paralogit::train
