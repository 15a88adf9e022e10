#include "lone_features.hpp"

#include <cmath>
#include <cstring>

#include "paralogit/comm/agreement.hpp"
#include "paralogit/data/sparse_walk.hpp"
#include "paralogit/model/column_scan.hpp"

namespace paralogit::train {

namespace {

/// What the margin of a block's row i gives way.
double give_of_row(const model::SparseBlock& block, const model::SparseBlock& shared, std::size_t i,
                   const model::Penalty& penalty, double weight_sum, std::vector<double>& values) {
    const Index first = shared.offsets[2 * i + 1];
    values.resize(static_cast<std::size_t>(block.offsets[i + 1] - first));
    model::widen_row(block.type, block.values + first * static_cast<Index>(size_of(block.type)),
                     values);
    double give = 0;
    for (std::size_t k = 0; k < values.size(); ++k) {
        std::uint32_t feature = 0;
        std::memcpy(&feature,
                    block.indices + (first + static_cast<Index>(k)) * Index{sizeof feature},
                    sizeof feature);
        give += values[k] * values[k] / (weight_sum * penalty.l2_of(Index{feature}));
    }
    return give;
}

}  // namespace

std::optional<LoneFeatures> make_lone_features(const comm::Communicator& comm, const DataSet& data,
                                               const model::Penalty& penalty, double weight_sum) {
    const Index features = data.shard.features;
    LoneFeatures lone{.first = features - data.sparse->lone_features, .give = {}};
    for (Index j = lone.first; j < features; ++j) {
        if (!std::isnormal(weight_sum * penalty.l2_of(j))) {
            return std::nullopt;
        }
    }
    if (lone.first == features) {
        return std::nullopt;
    }
    comm::together(comm, [&] {
        lone.give.resize(static_cast<std::size_t>(data.shard.rows.size()));
        const int threads = data.execution.threads;
        run_threads(threads, [&](int thread) {
            std::vector<double> values;
            data::SparseWalk walk(data.shard, data.plan, thread, threads);
            while (walk.next()) {
                for (Index k = walk.blocks().first; k < walk.blocks().end; ++k) {
                    const model::SparseBlock block = walk.block(k);
                    const model::SparseBlock shared = walk.shared_block(k);
                    const Index row = block.first_global_row - data.shard.rows.first;
                    for (Index i = 0; i < block.rows; ++i) {
                        lone.give[static_cast<std::size_t>(row + i)] =
                            give_of_row(block, shared, static_cast<std::size_t>(i), penalty,
                                        weight_sum, values);
                    }
                }
            }
        });
    });
    return lone;
}

}  // namespace paralogit::train
