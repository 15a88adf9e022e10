#include "row_picker.hpp"

#include <algorithm>

namespace paralogit::train {

RowPicker::RowPicker(const DataSet& data, Index first_row)
    : data_(data),
      first_row_(first_row),
      held_(data.shard.is_sparse() ? data.shard.rows : data.shard.held_rows(data.plan)),
      row_bytes_(static_cast<std::size_t>(data.shard.features) * size_of(data.shard.type)) {}

void RowPicker::prepare(const model::RowOrder& order, Range batch, Index end) {
    if (held_.end == data_.shard.rows.end ||
        (batch.first >= window_.first && batch.end <= window_.end)) {
        return;
    }
    // Of the places some are other ranks', or of rows that are held; all the same the window has
    // room for that many rows.
    const Index room = window_bytes / std::max<Index>(static_cast<Index>(row_bytes_) + 24, 1);
    const Index whole_batches = std::max<Index>(room / std::max<Index>(batch.size(), 1), 1);
    window_ = {.first = batch.first,
               .end = std::min(end, batch.first + whole_batches * batch.size())};
    rows_.resize(static_cast<std::size_t>(window_.size()));
    order.rows_at(window_.first, rows_);
    slots_.assign(rows_.size(), -1);
    wanted_.clear();
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        const Index row = first_row_ + rows_[i];
        if (row >= held_.end && row < data_.shard.rows.end) {
            slots_[i] = std::ssize(wanted_);
            wanted_.push_back({.row = row, .slot = slots_[i]});
        }
    }
    values_.reserve(std::ssize(wanted_) * static_cast<Index>(row_bytes_));
    std::ranges::sort(wanted_, {}, &data::WantedRow::row);
    data::fetch_rows(data_.shard, wanted_, values_.data());
}

const std::byte* RowPicker::values_of(Index row, Index place) const {
    if (row < held_.end) {
        return data_.shard.values.data() + static_cast<std::size_t>(row - held_.first) * row_bytes_;
    }
    const Index slot = slots_[static_cast<std::size_t>(place - window_.first)];
    return values_.data() + static_cast<std::size_t>(slot) * row_bytes_;
}

void RowPicker::pick(const model::RowOrder& order, Range places, std::vector<Index>& rows,
                     model::PickedRows& picked) const {
    const data::Shard& shard = data_.shard;
    rows.resize(static_cast<std::size_t>(places.size()));
    order.rows_at(places.first, rows);
    picked.type = shard.type;
    const model::LabelView labels = shard.labels.view();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const Index row = first_row_ + rows[i];
        if (row < shard.rows.first || row >= shard.rows.end) {
            continue;
        }
        const auto own = static_cast<std::size_t>(row - shard.rows.first);
        picked.labels.push_back(labels[own]);
        if (!shard.row_weights.empty()) {
            picked.row_weights.push_back(shard.row_weights[own]);
        }
        if (shard.is_sparse()) {
            const Index begin = shard.sparse.offsets[own];
            picked.entries.push_back(shard.sparse.offsets[own + 1] - begin);
            picked.values.push_back(shard.sparse.values.data() +
                                    static_cast<std::size_t>(begin) * size_of(shard.type));
            constexpr std::size_t index_bytes = 4;
            picked.indices.push_back(shard.sparse.indices.data() +
                                     static_cast<std::size_t>(begin) * index_bytes);
        } else {
            picked.values.push_back(values_of(row, places.first + static_cast<Index>(i)));
        }
    }
}

}  // namespace paralogit::train
