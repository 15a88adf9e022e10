#include "sparse_scan.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "paralogit/comm/agreement.hpp"
#include "paralogit/data/missing_values.hpp"
#include "paralogit/model/sparse_scan.hpp"
#include "scan.hpp"

namespace paralogit::train {

namespace {

/// Makes exponents the largest over ranks.
void join(const comm::Communicator& comm, std::vector<std::int16_t>& exponents) {
    if (comm.size() == 1) {
        return;
    }
    // In pieces, for there may be more features than memory has room for twice.
    constexpr std::size_t piece = std::size_t{1} << 20U;
    std::vector<std::int32_t> maxima;
    for (std::size_t first = 0; first < exponents.size(); first += piece) {
        const std::span<std::int16_t> some =
            std::span(exponents).subspan(first, std::min(piece, exponents.size() - first));
        maxima.assign(some.begin(), some.end());
        comm.max(maxima);
        std::ranges::transform(maxima, some.begin(),
                               [](std::int32_t e) { return static_cast<std::int16_t>(e); });
    }
}

/// Sums of row weights that are within what exact sums can hold: those that are not come from a bad
/// row weight, or from weights that are too large, and these are refused when all rows are known.
model::SparseTally make_tally(std::int32_t weight_exponent, const data::ShardPlan& plan) {
    constexpr std::int32_t lowest = -1000;
    constexpr std::int32_t highest = 1023;
    return {std::clamp(weight_exponent, lowest, highest), std::max<Index>(plan.blocks(), 1)};
}

/// Whether rows have weights of their own, on any rank.
bool has_weights(const comm::Communicator& comm, const data::Shard& shard) {
    return comm.sum(Index{shard.row_weights.empty() ? 0 : 1}) > 0;
}

}  // namespace

SparseFacts load_and_scan_sparse(const comm::Communicator& comm, const data::Manifest& manifest,
                                 const data::ShardPlan& plan, data::Shard& shard,
                                 const Execution& execution, model::ColumnBounds& bounds) {
    const std::int32_t weight_exponent = largest_weight_exponent(comm, plan, shard);
    const bool is_weighted = has_weights(comm, shard);
    const auto threads = static_cast<std::size_t>(execution.threads);
    std::vector<model::SparseTally> tallies(threads, make_tally(weight_exponent, plan));
    model::SparseScan scan = comm::together(comm, [&] {
        model::SparseScan own(manifest.features, is_weighted, weight_exponent);
        data::load_sparse_features(
            manifest, plan, shard, execution.threads,
            [&](int thread, const model::SparseBlock& block) {
                auto& tally = tallies[static_cast<std::size_t>(thread)];
                if (!tally.bad_value) {
                    own.add(block, tally);
                    tally.bad_value = lowest(tally.bad_value, data::find_missing(manifest, block));
                }
            });
        std::optional<model::ColumnScan::BadValue> first;
        for (const model::SparseTally& tally : tallies) {
            if (tally.bad_value && (!first || tally.bad_value->global_row < first->global_row)) {
                first = tally.bad_value;
            }
        }
        throw_lowest(first, data::find_bad_weight(shard, manifest), manifest);
        return own;
    });

    model::SparseTally& all = tallies.front();
    for (std::size_t t = 1; t < threads; ++t) {
        all.sums.add(tallies[t].sums);
        all.hash += tallies[t].hash;
    }
    comm.sum(all.sums.limbs());
    // In two words, whose sums cannot overflow.
    std::array<std::int64_t, 2> words{static_cast<std::int64_t>(all.hash & 0xffffffffU),
                                      static_cast<std::int64_t>(all.hash >> 32U)};
    comm.sum(std::span<std::int64_t>(words));
    join(comm, scan.value_exponents());
    if (is_weighted) {
        join(comm, scan.sum_exponents());
    }
    std::vector<bool> is_used = scan.used_features();
    bounds = scan.take_bounds();
    return {.sums = all.sums,
            .hash = static_cast<std::uint64_t>(words[0]) +
                    (static_cast<std::uint64_t>(words[1]) << 32U),
            .scale = {},
            .is_used = std::move(is_used),
            .kept_features = {}};
}

model::ColumnBounds bounds_of_sparse(const comm::Communicator& comm, const DataSet& data,
                                     std::int32_t weight_exponent) {
    const bool is_weighted = has_weights(comm, data.shard);
    model::SparseScan scan = comm::together(comm, [&] {
        model::SparseScan own(data.shard.features, is_weighted, weight_exponent);
        model::SparseTally tally = make_tally(weight_exponent, data.plan);
        for (Index k = data.shard.blocks.first; k < data.shard.blocks.end; ++k) {
            own.add(data.shard.sparse_block(k, data.plan), tally);
        }
        return own;
    });
    join(comm, scan.value_exponents());
    if (is_weighted) {
        join(comm, scan.sum_exponents());
    }
    return scan.take_bounds();
}

}  // namespace paralogit::train
