#include "paralogit/train/scaling_model.hpp"

#include <gtest/gtest.h>

#include <span>
#include <vector>

namespace paralogit::train {
namespace {

data::Manifest dense_rows(Index rows, Index features) {
    data::Manifest manifest;
    manifest.files.resize(1);
    manifest.rows = rows;
    manifest.features = features;
    manifest.type = ElementType::float32;
    return manifest;
}

/// 1.5 us, 100 Gbit/s, 10 ns a row.
Cluster cluster_of(int ranks_per_node) {
    return {.network = {.latency_seconds = 1.5e-6, .bytes_per_second = 12.5e9},
            .ranks_per_node = ranks_per_node,
            .seconds_per_row = 1e-8,
            .node_bytes = Index{1} << 30U};
}

TEST(ScalingModel, IsWhatOneRankComputesAlone) {
    const PredictedPass pass = predict_pass(dense_rows(1'000'000, 64), cluster_of(1), 1);

    EXPECT_DOUBLE_EQ(pass.seconds, 0.01);
    EXPECT_EQ(pass.allreduce_seconds, 0);
    EXPECT_EQ(pass.efficiency, 1);
    EXPECT_EQ(pass.nodes, 1);
    EXPECT_EQ(pass.busiest_rows, 1'000'000);
}

TEST(ScalingModel, AddsALatencyForEachDoublingAndTheBytesOnce) {
    // 1024 blocks of 1024 rows: 4 for each of 256 ranks.
    const long double rows = 1024.0L * 1024.0L;
    for (const Index ranks : {2, 16, 256}) {
        const PredictedPass pass = predict_pass(dense_rows(1 << 20, 5000), cluster_of(1), ranks);

        // Each of 5000 sums of 16 bytes goes there and back, but for a rank's own part.
        long double doublings = 0;
        for (Index r = ranks; r > 1; r /= 2) {
            doublings += 1;
        }
        const long double allreduce =
            doublings * 1.5e-6L + 5000 * 32 / 12.5e9L * static_cast<long double>(ranks - 1) /
                                      static_cast<long double>(ranks);
        const long double compute = rows / static_cast<long double>(ranks) * 1e-8L;
        EXPECT_NEAR(pass.allreduce_seconds, static_cast<double>(allreduce), 1e-15);
        EXPECT_NEAR(pass.seconds, static_cast<double>(compute + allreduce), 1e-14);
        EXPECT_NEAR(pass.efficiency,
                    static_cast<double>(rows * 1e-8L / static_cast<long double>(ranks) /
                                        (compute + allreduce)),
                    1e-12);
    }
}

TEST(ScalingModel, CountsNodesForTheNetworkAndTheRanksOfOneForItsMemory) {
    const Network network{.latency_seconds = 1e-3, .bytes_per_second = 1e6};

    const double within = allreduce_seconds(network, 8, 8, 64);
    const double across = allreduce_seconds(network, 32, 8, 64);

    EXPECT_LT(within, 10e-6);
    EXPECT_NEAR(across, within + 2 * 1e-3 + 64 * 32 / 1e6 * 3 / 4, 1e-12);
    // The last node need not be full.
    EXPECT_NEAR(allreduce_seconds(network, 12, 8, 64), within + 1e-3 + 64 * 32 / 1e6 / 2, 1e-12);
    EXPECT_EQ(predict_pass(dense_rows(1 << 20, 64), cluster_of(8), 9).nodes, 2);
}

TEST(ScalingModel, GivesTheBusiestRankWholeBlocks) {
    // 300 blocks of 1024 rows: the busiest of 256 ranks has two.
    const PredictedPass pass = predict_pass(dense_rows(300 * 1024, 64), cluster_of(1), 256);

    EXPECT_EQ(pass.busiest_rows, 2048);
    EXPECT_DOUBLE_EQ(pass.compute_seconds, 2048e-8);
}

TEST(ScalingModel, CountsTheEntriesOfSparseRows) {
    data::Manifest manifest = dense_rows(64, 1000);
    manifest.is_sparse = true;
    // Two blocks of 32 rows, and three quarters of the entries in the first.
    manifest.entries_before_block = {0, 3'000'000, 4'000'000};

    const PredictedPass alone = predict_pass(manifest, cluster_of(1), 1);
    const PredictedPass two = predict_pass(manifest, cluster_of(1), 2);

    EXPECT_DOUBLE_EQ(two.compute_seconds, 0.75 * alone.compute_seconds);
    // A value and an index of four bytes each, an offset of eight and a label a row.
    EXPECT_EQ(resident_bytes(manifest), 4'000'000 * 8 + 64 * 9);
}

TEST(ScalingModel, SaysFromWhenOnTheNodesHoldTheRows) {
    // 4 GB on nodes of 1 GiB: a quarter, and what a rank takes beside it, is too much.
    const data::Manifest manifest = dense_rows(15'625'000, 64);
    const Index shard = resident_bytes(manifest) / 8;

    const auto passes = predict_passes(manifest, cluster_of(1), 16);

    EXPECT_EQ(resident_bytes(manifest), Index{15'625'000} * (64 * 4 + 1));
    ASSERT_EQ(passes.size(), 5U);
    EXPECT_FALSE(passes[2].is_resident);
    EXPECT_TRUE(passes[3].is_resident);
    EXPECT_NEAR(static_cast<double>(passes[3].rank_bytes),
                1.1 * static_cast<double>(shard) + 64 * 1048576, 1e6);
    EXPECT_EQ(advise(passes, 0.8).resident_ranks, 8);
    EXPECT_FALSE(advise(std::span(passes).first(3), 0.8).resident_ranks.has_value());
    // Two ranks of a node share its memory.
    EXPECT_FALSE(predict_pass(manifest, cluster_of(2), 8).is_resident);
}

TEST(ScalingModel, AdvisesTheMostThatAreEfficientAndTheFewestThatAreFastest) {
    std::vector<PredictedPass> passes(4);
    const double seconds[] = {8, 4.4, 3, 3};
    for (std::size_t i = 0; i < passes.size(); ++i) {
        passes[i].ranks = Index{1} << i;
        passes[i].seconds = seconds[i];
        passes[i].efficiency = 8 / seconds[i] / static_cast<double>(passes[i].ranks);
    }

    const Advice advice = advise(passes, 0.9);

    EXPECT_EQ(advice.efficient_ranks, 2);
    EXPECT_EQ(advice.fastest_ranks, 4);
    EXPECT_EQ(advise(passes, 0.95).efficient_ranks, 1);
}

}  // namespace
}  // namespace paralogit::train
