#include "paralogit/model/row_order.hpp"

#include <cmath>

#include "row_hash.hpp"

namespace paralogit::model {

namespace {

/// A number of [0, range), range < 2^32.
std::uint64_t part_of_range(std::uint64_t coordinate, std::uint64_t key, std::uint64_t range) {
    std::uint64_t hash = (coordinate + key) * 0xbf58476d1ce4e5b9U;
    hash ^= hash >> 32U;
    hash *= 0x94d049bb133111ebU;
    return ((hash >> 32U) * range) >> 32U;
}

}  // namespace

RowOrder::RowOrder(Index rows, std::uint64_t seed, Index epoch) : rows_(rows), shuffles_(true) {
    const auto n = static_cast<std::uint64_t>(rows);
    tall_ = static_cast<std::uint64_t>(std::sqrt(static_cast<double>(n)));
    // The root of a double may be off by one either way.
    tall_ -= tall_ * tall_ > n ? 1 : 0;
    tall_ += tall_ * tall_ < n ? 1 : 0;
    wide_ = (n + tall_ - 1) / tall_;
    const std::uint64_t of_epoch = mixed(mixed(seed) + static_cast<std::uint64_t>(epoch));
    std::uint64_t counter = 0;
    for (std::uint64_t& key : keys_) {
        key = mixed(of_epoch + (++counter) * golden_ratio);
    }
}

RowOrder RowOrder::as_stored(Index rows) {
    return RowOrder(rows);
}

void RowOrder::rows_at(Index first, std::span<Index> out) const {
    if (!shuffles_) {
        for (Index& row : out) {
            row = first++;
        }
        return;
    }
    const auto n = static_cast<std::uint64_t>(rows_);
    std::uint64_t l_of_place = static_cast<std::uint64_t>(first) / wide_;
    std::uint64_t r_of_place = static_cast<std::uint64_t>(first) % wide_;
    for (Index& row : out) {
        std::uint64_t l = l_of_place;
        std::uint64_t r = r_of_place;
        do {
            for (std::size_t i = 0; i < rounds; i += 2) {
                l += part_of_range(r, keys_[i], tall_);
                l -= l >= tall_ ? tall_ : 0;
                r += part_of_range(l, keys_[i + 1], wide_);
                r -= r >= wide_ ? wide_ : 0;
            }
        } while (l * wide_ + r >= n);
        row = static_cast<Index>(l * wide_ + r);
        ++r_of_place;
        if (r_of_place == wide_) {
            r_of_place = 0;
            ++l_of_place;
        }
    }
}

Index RowOrder::row_at(Index place) const {
    Index row = 0;
    rows_at(place, {&row, 1});
    return row;
}

Index RowOrder::place_of(Index row) const {
    if (!shuffles_) {
        return row;
    }
    const auto n = static_cast<std::uint64_t>(rows_);
    std::uint64_t l = static_cast<std::uint64_t>(row) / wide_;
    std::uint64_t r = static_cast<std::uint64_t>(row) % wide_;
    do {
        for (std::size_t i = rounds; i > 0; i -= 2) {
            const std::uint64_t by_r = part_of_range(l, keys_[i - 1], wide_);
            r = r >= by_r ? r - by_r : r + wide_ - by_r;
            const std::uint64_t by_l = part_of_range(r, keys_[i - 2], tall_);
            l = l >= by_l ? l - by_l : l + tall_ - by_l;
        }
    } while (l * wide_ + r >= n);
    return static_cast<Index>(l * wide_ + r);
}

}  // namespace paralogit::model
