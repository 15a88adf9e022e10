#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "paralogit/base/checked.hpp"
#include "paralogit/data/shard_walk.hpp"

namespace paralogit::data {

namespace {

Labels copy_labels(const model::LabelView& labels, std::span<const Index> positions) {
    const auto copy = [&](const auto& from, auto to) {
        std::ranges::transform(positions, to.begin(), [&](Index i) { return from[i]; });
        return Labels(std::move(to));
    };
    if (labels.hard() != nullptr) {
        return copy(labels.hard(), std::vector<std::uint8_t>(positions.size()));
    }
    return labels.soft() != nullptr ? copy(labels.soft(), std::vector<double>(positions.size()))
                                    : Labels();
}

/// `first_rows` says which of `rows` lie in each of the shard's blocks.
Values copy_features(const Shard& shard, const ShardPlan& plan, std::span<const Index> rows,
                     std::span<const Index> first_rows) {
    const Index row_bytes = shard.features * narrow<Index>(size_of(shard.type));
    if (shard.is_sparse()) {
        return {};
    }
    Buffer buffer(checked_multiply(std::ssize(rows), row_bytes, "the bytes of validation rows"));
    ShardWalk walk(shard, plan, 0, 1);
    while (walk.next()) {
        const model::Block block = walk.block();
        const auto at = narrow<std::size_t>(walk.number() - shard.blocks.first);
        for (Index i = first_rows[at]; i < first_rows[at + 1]; ++i) {
            const Index row = rows[narrow<std::size_t>(i)] - block.first_global_row;
            std::memcpy(buffer.data() + i * row_bytes, block.values + row * row_bytes,
                        narrow<std::size_t>(row_bytes));
        }
    }
    return Values(std::move(buffer));
}

/// Calls action(block, its row, number among `rows`) for the rows that are wanted.
template <typename Action>
void for_each_row(const Shard& shard, const ShardPlan& plan, std::span<const Index> rows,
                  std::span<const Index> first_rows, const Action& action) {
    SparseWalk walk(shard, plan, 0, 1);
    while (walk.next()) {
        for (Index k = walk.blocks().first; k < walk.blocks().end; ++k) {
            const model::SparseBlock block = walk.block(k);
            const auto at = narrow<std::size_t>(k - shard.blocks.first);
            for (Index i = first_rows[at]; i < first_rows[at + 1]; ++i) {
                const auto row =
                    narrow<std::size_t>(rows[narrow<std::size_t>(i)] - block.first_global_row);
                action(block, row, i);
            }
        }
    }
}

/// Goes through the rows twice: to count, and to copy.
SparseValues copy_entries(const Shard& shard, const ShardPlan& plan, std::span<const Index> rows,
                          std::span<const Index> first_rows) {
    if (!shard.is_sparse()) {
        return {};
    }
    SparseValues to;
    to.offsets.assign(1, 0);
    for_each_row(
        shard, plan, rows, first_rows,
        [&](const model::SparseBlock& block, std::size_t row, Index) {
            to.offsets.push_back(to.offsets.back() + block.offsets[row + 1] - block.offsets[row]);
        });
    const Index value_bytes = narrow<Index>(size_of(shard.type));
    constexpr Index index_bytes = sizeof(std::uint32_t);
    const std::string what = "the bytes of validation rows";
    Buffer values(checked_multiply(to.offsets.back(), value_bytes, what));
    Buffer indices(checked_multiply(to.offsets.back(), index_bytes, what));
    for_each_row(
        shard, plan, rows, first_rows,
        [&](const model::SparseBlock& block, std::size_t row, Index i) {
            const Index first = block.offsets[row];
            const Index count = block.offsets[row + 1] - first;
            const Index out = to.offsets[narrow<std::size_t>(i)];
            if (count > 0) {  // without entries there may be no address
                std::memcpy(values.data() + out * value_bytes, block.values + first * value_bytes,
                            narrow<std::size_t>(count * value_bytes));
                std::memcpy(indices.data() + out * index_bytes, block.indices + first * index_bytes,
                            narrow<std::size_t>(count * index_bytes));
            }
        });
    to.values = Values(std::move(values));
    to.indices = Values(std::move(indices));
    return to;
}

}  // namespace

SomeRows copy_rows(const Shard& shard, const ShardPlan& plan, std::span<const Index> rows) {
    std::vector<Index> first_rows;
    for (Index block = shard.blocks.first; block < shard.blocks.end; ++block) {
        const auto first = std::ranges::lower_bound(rows, plan.rows_of_block(block).first);
        first_rows.push_back(first - rows.begin());
    }
    first_rows.push_back(std::ssize(rows));

    Values values = copy_features(shard, plan, rows, first_rows);
    SparseValues entries = copy_entries(shard, plan, rows, first_rows);
    std::vector<Index> positions(rows.begin(), rows.end());
    for (Index& position : positions) {
        position -= shard.rows.first;
    }
    SomeRows some{.shard = {},
                  .plan = ShardPlan::of_some_rows(plan, shard.blocks, std::move(first_rows))};
    some.shard.type = shard.type;
    some.shard.features = shard.features;
    some.shard.rows = {.first = 0, .end = std::ssize(rows)};
    some.shard.blocks = shard.blocks;
    some.shard.values = std::move(values);
    some.shard.sparse = std::move(entries);
    some.shard.labels = copy_labels(shard.labels.view(), positions);
    if (!shard.row_weights.empty()) {
        for (const Index position : positions) {
            some.shard.row_weights.push_back(shard.row_weights[narrow<std::size_t>(position)]);
        }
    }
    return some;
}

}  // namespace paralogit::data
