#pragma once

#include <span>
#include <type_traits>
#include <vector>

#include "paralogit/model/column_scan.hpp"
#include "paralogit/train/data_set.hpp"

namespace paralogit::train {

/// Widened rows of many sparse features would take more than the run did.
inline bool is_small_enough_to_visit(const DataSet& data) {
    constexpr Index most_sparse_features = 10'000;
    return !data.shard.is_sparse() || data.shard.features <= most_sparse_features;
}

/// Calls visit(thread, values, label, weight) for each of this rank's rows of positive weight, all
/// its features as doubles. When it returns false the thread has seen enough, and gets no more of
/// its rows; it may also return nothing. For checks at the end of a run: without any of what makes
/// a pass fast.
template <typename Visit>
void visit_rows(const DataSet& data, const Visit& visit) {
    const Index features = data.shard.features;
    const int threads = data.execution.threads;
    run_threads(threads, [&](int thread) {
        std::vector<double> row(static_cast<std::size_t>(features));
        data::ShardWalk walk(data.shard, data.plan, thread, threads);
        while (walk.next()) {
            const model::Block block = walk.block();
            const std::size_t row_bytes = row.size() * size_of(block.type);
            for (std::size_t i = 0; i < static_cast<std::size_t>(block.rows); ++i) {
                const double weight = block.row_weights.empty() ? 1.0 : block.row_weights[i];
                if (weight == 0) {
                    continue;
                }
                if (data.shard.is_sparse()) {
                    model::widen_row(walk.sparse_block(), static_cast<Index>(i), row);
                } else {
                    model::widen_row(block.type, block.values + i * row_bytes, row);
                }
                const std::span<const double> values(row);
                if constexpr (std::is_void_v<decltype(visit(thread, values, 0.0, weight))>) {
                    visit(thread, values, block.labels[i], weight);
                } else if (!visit(thread, values, block.labels[i], weight)) {
                    return;
                }
            }
        }
    });
}

}  // namespace paralogit::train
