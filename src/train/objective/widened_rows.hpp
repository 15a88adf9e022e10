#pragma once

#include <span>
#include <vector>

#include "paralogit/model/block_information.hpp"
#include "paralogit/train/data_set.hpp"

namespace paralogit::train {

/// Widened rows of many sparse features would take more than the run did.
inline bool is_small_enough_to_visit(const DataSet& data) {
    constexpr Index most_sparse_features = 10'000;
    return !data.shard.is_sparse() || data.shard.features <= most_sparse_features;
}

/// Calls visit(thread, values, label, weight) for each of this rank's rows of positive weight, all
/// its features as doubles. For checks at the end of a run: without any of what makes a pass fast.
template <typename Visit>
void visit_rows(const DataSet& data, const Visit& visit) {
    const Index features = data.shard.features;
    const model::HessianFrame frame{.features = {},
                                    .centre = Vector::Zero(features),
                                    .factor = Vector::Ones(features),
                                    .has_intercept = false};
    const int threads = data.execution.threads;
    run_threads(threads, [&](int thread) {
        model::InformationPanel panel;
        data::ShardWalk walk(data.shard, data.plan, thread, threads);
        while (walk.next()) {
            const model::Block block = walk.block();
            const std::vector<double> margins(static_cast<std::size_t>(block.rows), 0.0);
            if (data.shard.is_sparse()) {
                model::fill_information_panel(walk.sparse_block(), margins, frame, 1.0, panel);
            } else {
                model::fill_information_panel(block, margins, frame, 1.0, panel);
            }
            const auto width = static_cast<std::size_t>(frame.padded_dimension());
            for (std::size_t i = 0; i < margins.size(); ++i) {
                const double weight = block.row_weights.empty() ? 1.0 : block.row_weights[i];
                if (weight > 0) {
                    visit(thread,
                          std::span(panel.rows)
                              .subspan(i * width, static_cast<std::size_t>(features)),
                          block.labels[i], weight);
                }
            }
        }
    });
}

}  // namespace paralogit::train
