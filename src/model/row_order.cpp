#include "paralogit/model/row_order.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "isa/kernel_table.hpp"
#include "paralogit/model/isa.hpp"
#include "row_hash.hpp"

namespace paralogit::model {

namespace {

/// As in the kernel (isa/order_kernel.hpp), of one coordinate.
std::uint64_t part_of_range(std::uint64_t coordinate, std::uint64_t key, std::uint64_t range) {
    std::uint64_t hash = (coordinate + key) * 0xbf58476d1ce4e5b9U;
    hash ^= hash >> 32U;
    hash *= 0x94d049bb133111ebU;
    return ((hash >> 32U) * range) >> 32U;
}

}  // namespace

RowOrder::RowOrder(Index rows, std::uint64_t seed, Index epoch, Index group)
    : rows_(rows), group_(group), groups_(rows / group) {
    const auto n = static_cast<std::uint64_t>(std::max<Index>(groups_, 1));
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

void RowOrder::groups_at(Index first, std::span<Index> out) const {
    constexpr std::size_t at_once = 128;
    const KernelTable& kernels = kernels_for(best_isa());
    // Neither factor has more than 32 bits, and a product of such is fast everywhere.
    const auto group_of = [wide = static_cast<std::uint32_t>(wide_)](std::uint64_t l,
                                                                     std::uint64_t r) {
        return static_cast<Index>(std::uint64_t{static_cast<std::uint32_t>(l)} * wide + r);
    };
    std::uint64_t l[at_once];
    std::uint64_t r[at_once];
    std::uint64_t l_of_place = static_cast<std::uint64_t>(first) / wide_;
    std::uint64_t r_of_place = static_cast<std::uint64_t>(first) % wide_;
    for (std::size_t begin = 0; begin < out.size(); begin += at_once) {
        const std::size_t count = std::min(at_once, out.size() - begin);
        for (std::size_t i = 0; i < count;) {
            const std::size_t end = std::min<std::size_t>(count, i + (wide_ - r_of_place));
            std::fill(l + i, l + end, l_of_place);
            std::iota(r + i, r + end, r_of_place);
            r_of_place += end - i;
            i = end;
            if (r_of_place == wide_) {
                r_of_place = 0;
                ++l_of_place;
            }
        }
        kernels.change_places(l, r, static_cast<std::int64_t>(count), keys_.data(), tall_, wide_);
        Index* const to = out.data() + begin;
        Index left = 0;  // below 0 where any is beyond the last
        for (std::size_t i = 0; i < count; ++i) {
            to[i] = group_of(l[i], r[i]);
            left |= groups_ - 1 - to[i];
        }
        if (left >= 0) {
            continue;
        }
        for (std::size_t i = 0; i < count; ++i) {
            while (to[i] >= groups_) {
                kernels.change_places(l + i, r + i, 1, keys_.data(), tall_, wide_);
                to[i] = group_of(l[i], r[i]);
            }
        }
    }
}

/// Calls action(run) for the places [first, end).
template <typename Action>
void RowOrder::for_each_run(Index first, Index end, Action&& action) const {
    constexpr Index at_once = 128;
    Index groups[at_once];
    const Index end_of_groups = std::min(groups_ * group_, end);
    for (Index begin = first / group_; first < end_of_groups; begin += at_once) {
        const Index count = std::min(at_once, (end_of_groups + group_ - 1) / group_ - begin);
        groups_at(begin, std::span(groups).first(static_cast<std::size_t>(count)));
        for (Index k = 0; k < count; ++k) {
            const Index within = first % group_;
            const Index rows = std::min(group_ - within, end_of_groups - first);
            action(Run{.first = groups[k] * group_ + within, .rows = rows});
            first += rows;
        }
    }
    if (first < end) {
        action(Run{.first = first, .rows = end - first});
    }
}

void RowOrder::runs_at(Index first, Index end, std::vector<Run>& runs) const {
    runs.clear();
    for_each_run(first, end, [&](const Run& run) { runs.push_back(run); });
}

void RowOrder::rows_at(Index first, std::span<Index> out) const {
    const Index end = first + std::ssize(out);
    if (group_ == 1 && end <= groups_) {
        groups_at(first, out);
        return;
    }
    Index* to = out.data();
    for_each_run(first, end, [&](const Run& run) {
        std::iota(to, to + run.rows, run.first);
        to += run.rows;
    });
}

Index RowOrder::place_of(Index row) const {
    if (groups_ == 0) {
        return row;
    }
    const auto n = static_cast<std::uint64_t>(groups_);
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
