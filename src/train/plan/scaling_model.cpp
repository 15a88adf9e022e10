#include "paralogit/train/scaling_model.hpp"

#include <algorithm>
#include <cmath>

#include "paralogit/base/checked.hpp"

namespace paralogit::train {

namespace {

/// Between ranks of one node, from Allreduces measured under Open MPI's shared memory.
constexpr Network memory_of_node{.latency_seconds = 0.5e-6, .bytes_per_second = 5e9};
/// Two integers for each sum (see ExactSums).
constexpr double bytes_of_sum = 16;

/// The part of all work that the busiest rank has.
double busiest_share(const data::Manifest& manifest, const data::ShardPlan& plan, Index ranks) {
    if (!manifest.is_sparse) {
        return static_cast<double>(plan.rows_of(0, static_cast<int>(ranks)).size()) /
               static_cast<double>(manifest.rows);
    }
    const auto entries_before = [&](Index block) {
        return manifest.entries_before_block[static_cast<std::size_t>(block)];
    };
    Index most = 0;
    for (int rank = 0; rank < static_cast<int>(ranks); ++rank) {
        const Range blocks = plan.blocks_of(rank, static_cast<int>(ranks));
        most = std::max(most, entries_before(blocks.end) - entries_before(blocks.first));
    }
    return static_cast<double>(most) /
           static_cast<double>(std::max<Index>(entries_before(plan.blocks()), 1));
}

double exchange_seconds(const Network& network, double members, Index features) {
    if (members <= 1) {
        return 0;
    }
    return network.latency_seconds * std::log2(members) +
           2 * bytes_of_sum * static_cast<double>(features) * (1 - 1 / members) /
               network.bytes_per_second;
}

}  // namespace

double allreduce_seconds(const Network& network, Index ranks, int ranks_per_node, Index features) {
    const Index on_node = std::min<Index>(ranks, ranks_per_node);
    const Index nodes = (ranks + ranks_per_node - 1) / ranks_per_node;
    return exchange_seconds(memory_of_node, static_cast<double>(on_node), features) +
           exchange_seconds(network, static_cast<double>(nodes), features);
}

Index resident_bytes(const data::Manifest& manifest) {
    const Index value = narrow<Index>(size_of(manifest.type));
    constexpr Index index_bytes = 4;
    constexpr Index offset_bytes = 8;
    const Index features = manifest.is_sparse
                               ? manifest.entries_before_block.back() * (value + index_bytes) +
                                     manifest.rows * offset_bytes
                               : manifest.rows * manifest.features * value;
    const bool has_weights = std::ranges::any_of(
        manifest.files, [](const data::FilePart& file) { return !file.weights_path.empty(); });
    return features + manifest.rows * (1 + (has_weights ? offset_bytes : 0));
}

PredictedPass predict_pass(const data::Manifest& manifest, const Cluster& cluster, Index ranks) {
    const data::ShardPlan plan = manifest.plan();
    const auto rows = static_cast<double>(manifest.rows);
    const auto seconds_of = [&](Index some) {
        return busiest_share(manifest, plan, some) * rows * cluster.seconds_per_row;
    };
    const double share = busiest_share(manifest, plan, ranks);
    PredictedPass pass;
    pass.ranks = ranks;
    pass.nodes = (ranks + cluster.ranks_per_node - 1) / cluster.ranks_per_node;
    pass.busiest_rows = std::llround(share * rows);
    pass.compute_seconds = seconds_of(ranks);
    pass.allreduce_seconds =
        allreduce_seconds(cluster.network, ranks, cluster.ranks_per_node, manifest.features);
    pass.seconds = pass.compute_seconds + pass.allreduce_seconds;
    pass.efficiency = seconds_of(1) / (static_cast<double>(ranks) * pass.seconds);
    // What a rank promises to take at most beside the matrix of Newton's method.
    constexpr double of_shard = 1.1;
    constexpr Index of_program = Index{64} << 20U;
    pass.rank_bytes =
        of_program + std::llround(of_shard * share * static_cast<double>(resident_bytes(manifest)));
    const Index ranks_of_node = std::min<Index>(ranks, cluster.ranks_per_node);
    pass.is_resident = pass.rank_bytes * ranks_of_node <= cluster.node_bytes;
    return pass;
}

std::vector<PredictedPass> predict_passes(const data::Manifest& manifest, const Cluster& cluster,
                                          Index most_ranks) {
    std::vector<PredictedPass> passes;
    for (Index ranks = 1; ranks <= most_ranks; ranks *= 2) {
        passes.push_back(predict_pass(manifest, cluster, ranks));
    }
    return passes;
}

Advice advise(std::span<const PredictedPass> passes, double least_efficiency) {
    Advice advice;
    double shortest = passes.front().seconds;
    for (const PredictedPass& pass : passes) {
        if (pass.efficiency >= least_efficiency) {
            advice.efficient_ranks = pass.ranks;
        }
        if (pass.seconds < shortest) {
            shortest = pass.seconds;
            advice.fastest_ranks = pass.ranks;
        }
        if (pass.is_resident && !advice.resident_ranks) {
            advice.resident_ranks = pass.ranks;
        }
    }
    return advice;
}

}  // namespace paralogit::train
