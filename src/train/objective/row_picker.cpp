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

void RowPicker::pick(const model::RowOrder& order, Range places, OwnPlaces& own,
                     model::PickedRows& picked) const {
    const data::Shard& shard = data_.shard;
    const auto all = static_cast<std::size_t>(places.size());
    own.rows.resize(all);
    own.places.resize(all);
    order.rows_at(places.first, own.rows);
    std::size_t count = 0;
    const Index shift = first_row_ - shard.rows.first;
    const Index shard_rows = shard.rows.size();
    for (std::size_t i = 0; i < all; ++i) {
        const Index row = own.rows[i] + shift;
        own.rows[count] = row;
        own.places[count] = places.first + static_cast<Index>(i);
        count += row >= 0 && row < shard_rows ? 1 : 0;
    }
    picked.clear();
    picked.type = shard.type;
    const model::LabelView labels = shard.labels.view();
    picked.labels.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        picked.labels[i] = labels[static_cast<std::size_t>(own.rows[i])];
    }
    if (!shard.row_weights.empty()) {
        picked.row_weights.resize(count);
        for (std::size_t i = 0; i < count; ++i) {
            picked.row_weights[i] = shard.row_weights[static_cast<std::size_t>(own.rows[i])];
        }
    }
    picked.values.resize(count);
    if (shard.is_sparse()) {
        put_entries(own, picked);
        return;
    }
    for (std::size_t i = 0; i < count; ++i) {
        picked.values[i] = values_of(shard.rows.first + own.rows[i], own.places[i]);
    }
}

void RowPicker::put_entries(const OwnPlaces& own, model::PickedRows& picked) const {
    constexpr std::size_t index_bytes = 4;
    const data::SparseValues& sparse = data_.shard.sparse;
    const std::size_t count = picked.values.size();
    picked.indices.resize(count);
    picked.entries.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto row = static_cast<std::size_t>(own.rows[i]);
        const auto begin = static_cast<std::size_t>(sparse.offsets[row]);
        picked.entries[i] = sparse.offsets[row + 1] - sparse.offsets[row];
        picked.values[i] = sparse.values.data() + begin * size_of(data_.shard.type);
        picked.indices[i] = sparse.indices.data() + begin * index_bytes;
    }
}

void RowPicker::pick(const model::RowOrder& order, Range places,
                     std::vector<model::Block>& blocks) const {
    const data::Shard& shard = data_.shard;
    const model::LabelView labels = shard.labels.view();
    blocks.clear();
    order.for_each_run(places, [&](Index place, Index row_of_order, Index count) {
        const Index row = first_row_ + row_of_order;
        if (row < shard.rows.first || row >= shard.rows.end) {
            return;
        }
        const auto own = static_cast<std::size_t>(row - shard.rows.first);
        const auto size = static_cast<std::size_t>(count);
        blocks.push_back({.type = shard.type,
                          .values = values_of(row, place),
                          .rows = count,
                          .features = shard.features,
                          .labels = labels.subview(own, size),
                          .row_weights = shard.row_weights.empty()
                                             ? std::span<const double>()
                                             : std::span(shard.row_weights).subspan(own, size),
                          .first_global_row = row});
    });
}

}  // namespace paralogit::train
