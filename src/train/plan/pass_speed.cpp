#include "paralogit/train/pass_speed.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "../seconds_since.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/base/threads.hpp"
#include "paralogit/data/shard.hpp"
#include "paralogit/data/shard_walk.hpp"
#include "paralogit/model/block_kernel.hpp"
#include "paralogit/train/execution.hpp"

namespace paralogit::train {

namespace {

/// The first rows, as the first of enough ranks would have them.
data::Shard load_first_rows(const data::Manifest& manifest, const data::ShardPlan& plan,
                            int threads) {
    constexpr Index most_bytes = Index{256} << 20U;
    const Index bytes = manifest.rows * manifest.features * narrow<Index>(size_of(manifest.type));
    const Index ranks = std::clamp<Index>((bytes + most_bytes - 1) / most_bytes, 1, plan.blocks());
    data::Shard shard = data::empty_shard(manifest, plan, 0, narrow<int>(ranks));
    std::vector<std::uint8_t> labels(narrow<std::size_t>(shard.rows.size()));
    for (std::size_t i = 0; i < labels.size(); i += 2) {
        labels[i] = 1;
    }
    shard.labels = data::Labels(std::move(labels));
    data::load_features(manifest, plan, shard, threads, [](int, const model::Block&) {});
    return shard;
}

}  // namespace

PassSpeed measure_pass(const data::Manifest& manifest, int most_threads, model::Isa isa) {
    const data::ShardPlan plan = manifest.plan();
    const data::Shard shard = load_first_rows(manifest, plan, most_threads);
    // As training does it: else the waking of threads would be measured.
    const int threads =
        threads_worth(shard.rows.size() * shard.features, shard.blocks.size(), most_threads);
    const std::vector<double> coefficients(narrow<std::size_t>(manifest.features), 0.0);
    std::vector<model::BlockSums> sums(static_cast<std::size_t>(threads));
    const auto pass = [&] {
        const auto begin = Clock::now();
        run_threads(threads, [&](int thread) {
            data::ShardWalk walk(shard, plan, thread, threads);
            while (walk.next()) {
                model::evaluate_block(walk.block(), coefficients, 0,
                                      sums[static_cast<std::size_t>(thread)], isa);
            }
        });
        return seconds_since(begin);
    };
    // The first one maps pages and wakes threads.
    pass();
    constexpr double enough_seconds = 0.5;
    constexpr int least_passes = 3;
    double shortest = std::numeric_limits<double>::infinity();
    int passes = 0;
    for (double total = 0; total < enough_seconds || passes < least_passes; ++passes) {
        const double seconds = pass();
        shortest = std::min(shortest, seconds);
        total += seconds;
    }
    return {.seconds_per_row = shortest / static_cast<double>(shard.rows.size()),
            .rows = shard.rows.size(),
            .passes = passes,
            .threads = threads};
}

}  // namespace paralogit::train
