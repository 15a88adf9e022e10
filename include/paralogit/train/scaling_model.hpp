#pragma once

#include <optional>
#include <span>
#include <vector>

#include "paralogit/data/manifest.hpp"

namespace paralogit::train {

/// What joins the ranks. A node's ranks exchange through its memory, nodes over the network.
struct Network {
    double latency_seconds = 0;   ///< of a short message between two nodes
    double bytes_per_second = 0;  ///< of a node, each way
};

/// Nodes that are alike, and how ranks are put on them.
struct Cluster {
    Network network;
    int ranks_per_node = 1;
    double seconds_per_row = 0;  ///< that a rank takes while its node is full of ranks
    Index node_bytes = 0;        ///< of memory
};

/// A pass over the data of so many ranks.
struct PredictedPass {
    Index ranks = 1;
    Index nodes = 1;
    Index busiest_rows = 0;  ///< of the rank that has most to do
    double compute_seconds = 0;
    double allreduce_seconds = 0;
    double seconds = 0;       ///< of both
    double efficiency = 1;    ///< of one rank's seconds, per rank
    Index rank_bytes = 0;     ///< that the busiest rank takes when it holds its rows
    bool is_resident = true;  ///< whether the nodes have as much memory
};

/// The seconds that an Allreduce of d sums takes R ranks: alpha for each doubling of the nodes, and
/// beta d (1 - 1/nodes); the same with the constants of memory for the ranks of a node. In
/// Rabenseifner's algorithm (2004) a rank sends and receives each sum twice, but for its own part;
/// where short messages make recursive doubling the better one, alpha counts.
double allreduce_seconds(const Network& network, Index ranks, int ranks_per_node, Index features);

/// T(R) = rows/R c + alpha log2 R + beta d (1 - 1/R), where rows/R is what the busiest rank has:
/// blocks are not divided, and of sparse rows entries count.
PredictedPass predict_pass(const data::Manifest& manifest, const Cluster& cluster, Index ranks);

/// For R = 1, 2, 4, ... up to `most_ranks`.
std::vector<PredictedPass> predict_passes(const data::Manifest& manifest, const Cluster& cluster,
                                          Index most_ranks);

/// How many ranks pay off.
struct Advice {
    Index efficient_ranks = 1;  ///< the most with at least the efficiency that is asked for
    Index fastest_ranks = 1;    ///< the fewest with the shortest pass
    std::optional<Index> resident_ranks;  ///< the fewest whose nodes hold the rows
};
/// `passes` is not empty.
Advice advise(std::span<const PredictedPass> passes, double least_efficiency);

/// Of features, labels and row weights as they are held in memory.
Index resident_bytes(const data::Manifest& manifest);

}  // namespace paralogit::train
