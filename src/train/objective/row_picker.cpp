#include "row_picker.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace paralogit::train {

namespace {

/// Rows that lie side by side where rows stay together.
constexpr Index multiple = 8;

constexpr std::size_t bits_of_word = 64;

/// Of sparse rows.
constexpr Index index_bytes = sizeof(std::uint32_t);

/// Asks the memory for all of [first, end).
template <typename T>
void ask_for(const T* first, const T* end) {
    constexpr Index of_line = 64 / sizeof(T);
    for (const T* p = first; p < end; p += std::min<Index>(of_line, end - p)) {
        __builtin_prefetch(p);
    }
    __builtin_prefetch(end - 1);
}

/// All or none.
Range held_sparse_rows(const data::Shard& shard) {
    return {.first = shard.rows.first,
            .end = shard.sparse_stream == nullptr ? shard.rows.end : shard.rows.first};
}

/// Where sparse rows pass through memory in each pass there is nothing else meanwhile.
Index window_bytes_for(const data::Shard& shard) {
    constexpr Index least = Index{64} << 10U;
    return shard.sparse_stream == nullptr
               ? RowPicker::most_window_bytes
               : std::clamp(shard.passing_bytes(), least, RowPicker::most_window_bytes);
}

}  // namespace

RowPicker::RowPicker(const DataSet& data, Index first_row)
    : data_(data),
      first_row_(first_row),
      held_(data.shard.is_sparse() ? held_sparse_rows(data.shard)
                                   : data.shard.held_rows(data.plan)),
      row_bytes_(static_cast<std::size_t>(data.shard.features) * size_of(data.shard.type)),
      window_bytes_(window_bytes_for(data.shard)) {
    if (!data.shard.is_sparse()) {
        copy_last_rows();
        pack_labels();
    }
}

void RowPicker::pack_labels() {
    const std::uint8_t* const hard = data_.shard.labels.view().hard();
    if (hard == nullptr) {
        return;
    }
    const auto rows = static_cast<std::size_t>(data_.shard.rows.size());
    label_bits_.assign((rows + bits_of_word - 1) / bits_of_word, 0);
    for (std::size_t k = 0; k < label_bits_.size(); ++k) {
        const std::size_t first = k * bits_of_word;
        const std::size_t count = std::min(bits_of_word, rows - first);
        std::uint64_t bits = 0;
        for (std::size_t i = 0; i < count; ++i) {
            bits |= std::uint64_t{hard[first + i]} << i;
        }
        label_bits_[k] = bits;
    }
}

void RowPicker::copy_last_rows() {
    constexpr Index behind = model::PickedRows::bytes_behind;
    const auto row_bytes = static_cast<Index>(row_bytes_);
    const Index rows =
        row_bytes == 0 ? 0
                       : std::min(held_.size(), multiple + (behind + row_bytes - 1) / row_bytes);
    last_rows_ = held_.end - rows;
    copies_ = Buffer((rows + multiple) * row_bytes + behind);
    std::memset(copies_.data(), 0, static_cast<std::size_t>(copies_.size()));
    if (rows > 0) {
        std::memcpy(copies_.data(),
                    data_.shard.values.data() +
                        static_cast<std::size_t>(last_rows_ - held_.first) * row_bytes_,
                    static_cast<std::size_t>(rows * row_bytes));
    }
}

void RowPicker::prepare(const model::RowOrder& order, Range batch, Index end) {
    if (has(batch)) {
        return;
    }
    if (data_.shard.is_sparse() && offsets_.empty()) {
        offsets_ = data::read_row_offsets(data_.shard);
    }
    choose_window(order, batch, end);
    std::ranges::sort(wanted_, {}, &data::WantedRow::row);
    if (data_.shard.is_sparse()) {
        fetch_sparse_window();
    } else {
        fetch_dense_window();
    }
}

/// The batch, and of those behind it as many as there is room for.
void RowPicker::choose_window(const model::RowOrder& order, Range batch, Index end) {
    // In `slots_` and `wanted_`, which grow by as much as they have.
    constexpr Index place_bytes = 2 * (sizeof(Index) + sizeof(data::WantedRow));
    window_ = {.first = batch.first, .end = batch.first};
    slots_.clear();
    wanted_.clear();
    Index bytes = 0;
    while (window_.end < end) {
        const std::size_t wanted_before = wanted_.size();
        rows_.resize(static_cast<std::size_t>(std::min(batch.size(), end - window_.end)));
        order.rows_at(window_.end, rows_);
        for (const Index place_row : rows_) {
            const Index row = first_row_ + place_row;
            const bool is_in_file = row >= held_.end && row < data_.shard.rows.end;
            slots_.push_back(is_in_file ? std::ssize(wanted_) : -1);
            bytes += place_bytes + (is_in_file ? bytes_in_window(row) : 0);
            if (is_in_file) {
                wanted_.push_back({.row = row, .slot = slots_.back()});
            }
        }
        if (window_.size() > 0 && bytes > window_bytes_) {
            wanted_.resize(wanted_before);
            slots_.resize(static_cast<std::size_t>(window_.size()));
            return;
        }
        window_.end += std::ssize(rows_);
    }
}

Index RowPicker::bytes_in_window(Index row) const {
    if (!data_.shard.is_sparse()) {
        return static_cast<Index>(row_bytes_);
    }
    const auto at = static_cast<std::size_t>(row - data_.shard.rows.first);
    const auto entry_bytes = static_cast<Index>(size_of(data_.shard.type)) + index_bytes;
    return (offsets_[at + 1] - offsets_[at]) * entry_bytes + Index{sizeof(Index)};
}

void RowPicker::fetch_dense_window() {
    const Index bytes = std::ssize(wanted_) * static_cast<Index>(row_bytes_);
    const Index behind =
        multiple * static_cast<Index>(row_bytes_) + model::PickedRows::bytes_behind;
    values_.reserve(bytes + behind);
    std::memset(values_.data() + bytes, 0, static_cast<std::size_t>(behind));
    data::fetch_rows(data_.shard, wanted_, values_.data());
}

/// Entries lie in the order of the rows, and not of their places.
void RowPicker::fetch_sparse_window() {
    rows_.resize(wanted_.size());
    std::vector<Index> position(wanted_.size());
    window_offsets_.assign(1, 0);
    for (std::size_t k = 0; k < wanted_.size(); ++k) {
        const Index row = wanted_[k].row;
        const auto at = static_cast<std::size_t>(row - data_.shard.rows.first);
        rows_[k] = row;
        position[static_cast<std::size_t>(wanted_[k].slot)] = static_cast<Index>(k);
        window_offsets_.push_back(window_offsets_.back() + offsets_[at + 1] - offsets_[at]);
    }
    for (Index& slot : slots_) {
        slot = slot < 0 ? slot : position[static_cast<std::size_t>(slot)];
    }
    values_.reserve(window_offsets_.back() * static_cast<Index>(size_of(data_.shard.type)));
    indices_.reserve(window_offsets_.back() * index_bytes);
    data::fetch_sparse_rows(data_.shard, offsets_, rows_, values_.data(), indices_.data());
}

const std::byte* RowPicker::values_of(Index row, Index place) const {
    if (row < held_.end) {
        if (row >= last_rows_) {
            return copies_.data() + static_cast<std::size_t>(row - last_rows_) * row_bytes_;
        }
        return data_.shard.values.data() + static_cast<std::size_t>(row - held_.first) * row_bytes_;
    }
    const Index slot = slots_[static_cast<std::size_t>(place - window_.first)];
    return values_.data() + static_cast<std::size_t>(slot) * row_bytes_;
}

void RowPicker::find(const model::RowOrder& order, Range places, OwnPlaces& own,
                     model::PickedRows& picked) const {
    const data::Shard& shard = data_.shard;
    picked.clear();
    picked.type = shard.type;
    if (order.group() > 1 && !shard.is_sparse()) {
        find_groups(order, places, own, picked);
        return;
    }
    own.rows.resize(static_cast<std::size_t>(places.size()));
    order.rows_at(places.first, own.rows);
    const bool owns_all = first_row_ == shard.rows.first && order.rows() == shard.rows.size();
    if (!owns_all || streams()) {
        own.rows.resize(keep_own_rows(places, own));
    }
    const std::size_t count = own.rows.size();
    put_labels(own, picked);
    picked.values.resize(count);
    if (shard.is_sparse()) {
        put_entries(own, picked);
        return;
    }
    const std::byte* const held = shard.values.data();
    const Index held_rows = last_rows_ - shard.rows.first;
    for (std::size_t i = 0; i < count; ++i) {
        const Index row = own.rows[i];
        picked.values[i] = row < held_rows ? held + static_cast<std::size_t>(row) * row_bytes_
                                           : values_of(shard.rows.first + row,
                                                       streams() ? own.places[i] : Index{0});
    }
}

/// Asks the memory for labels and row weights of rows side by side, counted in the shard.
void RowPicker::ask_for_labels(Index first, Index end) const {
    const model::LabelView labels = data_.shard.labels.view();
    if (labels.hard() != nullptr) {
        ask_for(labels.hard() + first, labels.hard() + end);
    } else {
        ask_for(labels.soft() + first, labels.soft() + end);
    }
    if (const std::vector<double>& weights = data_.shard.row_weights; !weights.empty()) {
        ask_for(weights.data() + first, weights.data() + end);
    }
}

/// The same of dense rows that stay together. Shards begin only where groups do, so a group is on
/// one rank; what the places have of it is filled up to a multiple of eight rows by whatever
/// follows in memory.
void RowPicker::find_groups(const model::RowOrder& order, Range places, OwnPlaces& own,
                            model::PickedRows& picked) const {
    const data::Shard& shard = data_.shard;
    own.groups.clear();
    order.runs_at(places.first, places.end, own.runs);
    Index place = places.first;
    Index end = 0;
    for (const model::RowOrder::Run& run : own.runs) {
        const Index row = run.first + first_row_ - shard.rows.first;
        if (row >= 0 && row < shard.rows.size()) {
            ask_for_labels(row, row + run.rows);
            own.groups.push_back({.first = row, .end = row + run.rows});
            const bool lies_in_order = shard.rows.first + row + run.rows <= last_rows_;
            const std::byte* const first = values_of(shard.rows.first + row, place);
            for (Index i = 0; i < run.rows; i += multiple) {
                picked.values.push_back(lies_in_order
                                            ? first + static_cast<std::size_t>(i) * row_bytes_
                                            : values_of(shard.rows.first + row + i, place + i));
            }
            end += (run.rows + multiple - 1) / multiple * multiple;
            picked.group_ends.push_back(end);
        }
        place += run.rows;
    }
}

void RowPicker::put_labels(const OwnPlaces& own, model::PickedRows& picked) const {
    const data::Shard& shard = data_.shard;
    const model::LabelView labels = shard.labels.view();
    const std::size_t count = own.rows.size();
    const auto put = [&](const auto* all_labels) {
        picked.labels.resize(count);
        for (std::size_t i = 0; i < count; ++i) {
            picked.labels[i] = static_cast<double>(all_labels[own.rows[i]]);
        }
    };
    if (!label_bits_.empty()) {
        picked.hard_labels.resize(count);
        for (std::size_t i = 0; i < count; ++i) {
            const auto row = static_cast<std::size_t>(own.rows[i]);
            picked.hard_labels[i] = static_cast<std::uint8_t>(
                label_bits_[row / bits_of_word] >> row % bits_of_word & 1U);
        }
    } else if (labels.hard() != nullptr) {
        put(labels.hard());
    } else {
        put(labels.soft());
    }
    if (!shard.row_weights.empty()) {
        picked.row_weights.resize(count);
        for (std::size_t i = 0; i < count; ++i) {
            picked.row_weights[i] = shard.row_weights[static_cast<std::size_t>(own.rows[i])];
        }
    }
}

void RowPicker::put_labels_of_groups(const OwnPlaces& own, model::PickedRows& picked) const {
    const data::Shard& shard = data_.shard;
    const model::LabelView labels = shard.labels.view();
    std::size_t begin = 0;
    for (std::size_t k = 0; k < own.groups.size(); ++k) {
        const Range rows = own.groups[k];
        const auto end = static_cast<std::size_t>(picked.group_ends[k]);
        const std::size_t end_of_rows = begin + static_cast<std::size_t>(rows.size());
        const auto put = [&](const auto* all, auto& some) {
            some.insert(some.end(), all + rows.first, all + rows.end);
            some.resize(end);
        };
        if (labels.hard() != nullptr) {
            put(labels.hard(), picked.hard_labels);
        } else {
            put(labels.soft(), picked.labels);
        }
        if (!shard.row_weights.empty()) {
            put(shard.row_weights.data(), picked.row_weights);
        } else if (!picked.row_weights.empty() || end_of_rows < end) {
            picked.row_weights.resize(end_of_rows, 1.0);
            picked.row_weights.resize(end, 0.0);
        }
        begin = end;
    }
}

/// Of the rows at some places, all ranks', keeps this rank's, counted in the shard; returns how
/// many. Where some are streamed, their places too.
std::size_t RowPicker::keep_own_rows(Range places, OwnPlaces& own) const {
    const Index shift = first_row_ - data_.shard.rows.first;
    const auto shard_rows = static_cast<std::uint64_t>(data_.shard.rows.size());
    const std::size_t all = own.rows.size();
    own.places.resize(streams() ? all : 0);
    std::size_t count = 0;
    for (std::size_t i = 0; i < all; ++i) {
        const Index row = own.rows[i] + shift;
        own.rows[count] = row;
        if (streams()) {
            own.places[count] = places.first + static_cast<Index>(i);
        }
        count += static_cast<std::uint64_t>(row) < shard_rows ? 1 : 0;
    }
    return count;
}

void RowPicker::put_entries(const OwnPlaces& own, model::PickedRows& picked) const {
    const data::SparseValues& held = data_.shard.sparse;
    const bool is_held = !streams();
    const std::vector<Index>& offsets = is_held ? held.offsets : window_offsets_;
    const std::byte* const values = is_held ? held.values.data() : values_.data();
    const std::byte* const indices = is_held ? held.indices.data() : indices_.data();
    const std::size_t count = picked.values.size();
    picked.indices.resize(count);
    picked.entries.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto at = static_cast<std::size_t>(
            is_held ? own.rows[i]
                    : slots_[static_cast<std::size_t>(own.places[i] - window_.first)]);
        const auto begin = static_cast<std::size_t>(offsets[at]);
        picked.entries[i] = offsets[at + 1] - offsets[at];
        picked.values[i] = values + begin * size_of(data_.shard.type);
        picked.indices[i] = indices + begin * static_cast<std::size_t>(index_bytes);
    }
}

}  // namespace paralogit::train
