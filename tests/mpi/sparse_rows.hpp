#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <vector>

#include "paralogit/comm/communicator.hpp"
#include "paralogit/train/data_set.hpp"

// Sparse rows in memory, for tests of what is computed from them.

namespace paralogit::train {

inline constexpr Index rows = 3000;
inline constexpr Index features = 40;

/// Rows that every rank makes for itself; feature 7 is the constant 3, feature 9 lies far from 0,
/// feature 11 has no entry. Before these there may be features of one row each.
struct Rows {
    explicit Rows(Index lone = 0) {
        std::mt19937_64 random(1);
        std::normal_distribution<double> normal;
        Index next_lone = 0;
        for (Index i = 0; i < rows; ++i) {
            std::set<Index> chosen{7, 9};
            for (auto k = random() % 9; k > 0; --k) {
                chosen.insert(static_cast<Index>(random() % features));
            }
            chosen.erase(11);
            const bool lacks_far_feature = i == 5;
            if (lacks_far_feature) {
                chosen.erase(9);
            }
            for (Index k = 0; i % 100 == 3 && k < 3 && next_lone < lone; ++k) {
                indices.push_back(static_cast<std::uint32_t>(next_lone++));
                values.push_back(1 + static_cast<double>(k) / 4);
            }
            for (const Index j : chosen) {
                indices.push_back(static_cast<std::uint32_t>(lone + j));
                values.push_back(j == 7   ? 3.0
                                 : j == 9 ? 1e4 + std::round(8 * normal(random)) / 8
                                          : std::round(64 * normal(random)) / 64);
            }
            offsets.push_back(static_cast<Index>(indices.size()));
            labels.push_back(static_cast<std::uint8_t>(random() % 3 == 0));
            // So light that the feature still lies far from 0.
            const double weight = static_cast<double>(random() % 5) / 2;
            weights.push_back(lacks_far_feature ? 0x1p-20 : weight);
        }
    }

    std::vector<std::uint32_t> indices;
    std::vector<double> values;
    std::vector<Index> offsets{0};
    std::vector<std::uint8_t> labels;
    std::vector<double> weights;
};

template <typename Element>
data::Values held(std::span<const Element> elements) {
    Buffer buffer(static_cast<Index>(elements.size_bytes()));
    std::memcpy(buffer.data(), elements.data(), elements.size_bytes());
    return data::Values(std::move(buffer));
}

/// This rank's part of the rows, as a load makes it.
inline DataSet sparse_data(const comm::Communicator& comm, const Rows& all, int threads,
                           Index lone = 0) {
    const Index features_of_all = features + lone;
    data::Manifest manifest;
    manifest.rows = rows;
    manifest.features = features_of_all;
    manifest.is_sparse = true;
    manifest.files.emplace_back();
    manifest.files.back().weights_path = "weights";
    const data::ShardPlan by_rows(rows);
    for (Index k = 0; k <= by_rows.blocks(); ++k) {
        manifest.entries_before_block.push_back(
            all.offsets[static_cast<std::size_t>(std::min(k * by_rows.rows_per_block(), rows))]);
    }
    const data::ShardPlan plan(rows, manifest.entries_before_block);
    data::Shard shard = data::empty_shard(manifest, plan, comm.rank(), comm.size());
    const auto first = static_cast<std::size_t>(shard.rows.first);
    const auto count = static_cast<std::size_t>(shard.rows.size());
    const auto entry = static_cast<std::size_t>(all.offsets[first]);
    const auto entries = static_cast<std::size_t>(all.offsets[first + count]) - entry;
    shard.sparse.values = held(std::span(all.values).subspan(entry, entries));
    shard.sparse.indices = held(std::span(all.indices).subspan(entry, entries));
    for (std::size_t i = 0; i <= count; ++i) {
        shard.sparse.offsets.push_back(all.offsets[first + i] - static_cast<Index>(entry));
    }
    shard.labels = data::Labels(
        std::vector<std::uint8_t>(all.labels.begin() + static_cast<Index>(first),
                                  all.labels.begin() + static_cast<Index>(first + count)));
    shard.row_weights.assign(all.weights.begin() + static_cast<Index>(first),
                             all.weights.begin() + static_cast<Index>(first + count));
    model::ColumnBounds bounds{
        .sum_exponents = std::vector<std::int16_t>(static_cast<std::size_t>(features_of_all), 4),
        .value_exponents = std::vector<std::int16_t>(static_cast<std::size_t>(features_of_all), 3),
        .weight_exponent = 11};
    bounds.sum_exponents[9] = 16;
    bounds.value_exponents[9] = 15;
    model::ExactSums sums({12, 12}, plan.blocks());
    for (std::size_t i = 0; i < count; ++i) {
        static_cast<void>(sums.add(0, all.weights[first + i]) &&
                          sums.add(1, all.weights[first + i] * all.labels[first + i]));
    }
    comm.sum(sums.limbs());
    SparseFacts facts{.sums = sums,
                      .hash = 1,
                      .scale = model::ScatterScale(bounds.sum_exponents, rows),
                      .is_used = std::vector<bool>(static_cast<std::size_t>(features_of_all), true),
                      .kept_features = {}};
    return DataSet{.manifest = manifest,
                   .plan = plan,
                   .shard = std::move(shard),
                   .bounds = bounds,
                   .scan = model::ColumnScan(model::ScanFrame()),
                   .sparse = std::move(facts),
                   .execution = {.threads = threads, .isa = model::best_isa()},
                   .label_description = "",
                   .global_bytes = 0,
                   .memory = {},
                   .label_rule = std::nullopt,
                   .class_weights = {},
                   .held_out = nullptr};
}

}  // namespace paralogit::train
