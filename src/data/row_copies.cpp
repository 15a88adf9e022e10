#include "paralogit/data/row_copies.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <utility>

#include "paralogit/base/checked.hpp"
#include "paralogit/data/sparse_walk.hpp"

namespace paralogit::data {

namespace {

constexpr const char* what_they_take = "the bytes of validation rows";

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

/// Calls action(block, its row, number among `rows`) for the sparse rows that are wanted, each
/// thread for its own part of them.
template <typename Action>
void for_each_row(const Shard& shard, const ShardPlan& plan, std::span<const Index> rows,
                  std::span<const Index> first_rows, int threads, const Action& action) {
    run_threads(threads, [&](int thread) {
        SparseWalk walk(shard, plan, thread, threads);
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
    });
}

/// Goes through the rows twice: to count, and to copy.
SparseValues copy_entries(const Shard& shard, const ShardPlan& plan, std::span<const Index> rows,
                          std::span<const Index> first_rows, int threads) {
    SparseValues to;
    to.offsets.assign(rows.size() + 1, 0);
    for_each_row(shard, plan, rows, first_rows, threads,
                 [&](const model::SparseBlock& block, std::size_t row, Index i) {
                     to.offsets[narrow<std::size_t>(i) + 1] =
                         block.offsets[row + 1] - block.offsets[row];
                 });
    std::partial_sum(to.offsets.begin(), to.offsets.end(), to.offsets.begin());
    const Index value_bytes = narrow<Index>(size_of(shard.type));
    constexpr Index index_bytes = sizeof(std::uint32_t);
    Buffer values(checked_multiply(to.offsets.back(), value_bytes, what_they_take));
    Buffer indices(checked_multiply(to.offsets.back(), index_bytes, what_they_take));
    for_each_row(
        shard, plan, rows, first_rows, threads,
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

RowCopies::RowCopies(const Shard& shard, const ShardPlan& plan, std::span<const Index> rows,
                     bool are_sparse)
    : plan_(plan), are_sparse_(are_sparse), blocks_(shard.blocks), rows_(rows.begin(), rows.end()) {
    for (Index block = blocks_.first; block < blocks_.end; ++block) {
        const auto first = std::ranges::lower_bound(rows_, plan.rows_of_block(block).first);
        first_rows_.push_back(first - rows_.begin());
    }
    first_rows_.push_back(std::ssize(rows_));
    if (!are_sparse) {
        row_bytes_ = shard.features * narrow<Index>(size_of(shard.type));
        features_ = Buffer(checked_multiply(std::ssize(rows_), row_bytes_, what_they_take));
    }
}

void RowCopies::take(const model::Block& block) {
    const Index number = block.first_global_row / plan_.rows_per_block();
    const auto at = narrow<std::size_t>(number - blocks_.first);
    for (Index i = first_rows_[at]; i < first_rows_[at + 1]; ++i) {
        const Index row = rows_[narrow<std::size_t>(i)] - block.first_global_row;
        std::memcpy(features_.data() + i * row_bytes_, block.values + row * row_bytes_,
                    narrow<std::size_t>(row_bytes_));
    }
}

SomeRows RowCopies::finish(const Shard& shard, int threads) {
    SparseValues entries;
    if (are_sparse_) {
        entries = copy_entries(shard, plan_, rows_, first_rows_, threads);
    }
    std::vector<Index> positions = std::move(rows_);
    for (Index& position : positions) {
        position -= shard.rows.first;
    }
    SomeRows some{.shard = {},
                  .plan = ShardPlan::of_some_rows(plan_, blocks_, std::move(first_rows_))};
    some.shard.type = shard.type;
    some.shard.features = shard.features;
    some.shard.rows = {.first = 0, .end = std::ssize(positions)};
    some.shard.blocks = blocks_;
    some.shard.values = Values(std::move(features_));
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
