#include "paralogit/train/pass_speed.hpp"

#include <algorithm>
#include <vector>

#include "../seconds_since.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/base/threads.hpp"
#include "paralogit/data/shard.hpp"
#include "paralogit/data/shard_walk.hpp"
#include "paralogit/model/block_kernel.hpp"

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

PassSpeed measure_pass(const data::Manifest& manifest, int threads, model::Isa isa) {
    const data::ShardPlan plan = manifest.plan();
    const data::Shard shard = load_first_rows(manifest, plan, threads);
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
    constexpr std::size_t least_passes = 3;
    std::vector<double> seconds;
    for (double total = 0; total < enough_seconds || seconds.size() < least_passes;) {
        seconds.push_back(pass());
        total += seconds.back();
    }
    const auto median = seconds.begin() + std::ssize(seconds) / 2;
    std::ranges::nth_element(seconds, median);
    return {.seconds_per_row = *median / static_cast<double>(shard.rows.size()),
            .rows = shard.rows.size(),
            .passes = narrow<int>(std::ssize(seconds))};
}

}  // namespace paralogit::train
