#include <algorithm>
#include <cstring>
#include <utility>

#include "paralogit/base/checked.hpp"
#include "paralogit/data/shard.hpp"

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

Values copy_features(const Shard& shard, std::span<const Index> positions) {
    const Index row_bytes = shard.features * narrow<Index>(size_of(shard.type));
    Buffer buffer(
        checked_multiply(std::ssize(positions), row_bytes, "the bytes of validation rows"));
    std::byte* out = buffer.data();
    for (const Index position : positions) {
        std::memcpy(out, shard.values.data() + position * row_bytes,
                    narrow<std::size_t>(row_bytes));
        out += row_bytes;
    }
    return Values(std::move(buffer));
}

}  // namespace

SomeRows copy_rows(const Shard& shard, const ShardPlan& plan, std::span<const Index> rows) {
    std::vector<Index> first_rows;
    for (Index block = shard.blocks.first; block < shard.blocks.end; ++block) {
        const auto first = std::ranges::lower_bound(rows, plan.rows_of_block(block).first);
        first_rows.push_back(first - rows.begin());
    }
    first_rows.push_back(std::ssize(rows));

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
    some.shard.values = copy_features(shard, positions);
    some.shard.labels = copy_labels(shard.labels.view(), positions);
    if (!shard.row_weights.empty()) {
        for (const Index position : positions) {
            some.shard.row_weights.push_back(shard.row_weights[narrow<std::size_t>(position)]);
        }
    }
    return some;
}

}  // namespace paralogit::data
