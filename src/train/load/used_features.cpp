#include "used_features.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include "paralogit/base/chunks.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/data/sparse_walk.hpp"

namespace paralogit::train {

namespace {

/// New indices take 4 bytes an entry; a solver holds some ten vectors of 8 bytes a feature.
constexpr Index entries_per_feature = 8;

bool is_worthwhile(const data::Manifest& manifest, Index spared) {
    return spared > 0 && manifest.entries_before_block.back() <= entries_per_feature * spared;
}

/// How many entries a feature has, as far as it matters.
constexpr std::uint8_t several = 2;

/// Calls action(thread, block) for all blocks of this rank.
template <typename Action>
void for_each_block(const DataSet& data, const Action& action) {
    const int threads = data.execution.threads;
    run_threads(threads, [&](int thread) {
        data::SparseWalk walk(data.shard, data.plan, thread, threads);
        while (walk.next()) {
            for (Index k = walk.blocks().first; k < walk.blocks().end; ++k) {
                action(static_cast<std::size_t>(thread), walk.block(k));
            }
        }
    });
}

std::uint32_t index_at(const model::SparseBlock& block, Index entry) {
    std::uint32_t index = 0;
    std::memcpy(&index, block.indices + entry * Index{sizeof index}, sizeof index);
    return index;
}

/// 0, 1 or several of each feature, of this rank's rows.
std::vector<std::uint8_t> own_counts(const DataSet& data) {
    const int threads = data.execution.threads;
    std::vector<std::vector<std::uint8_t>> of_threads(
        static_cast<std::size_t>(threads),
        std::vector<std::uint8_t>(static_cast<std::size_t>(data.shard.features)));
    for_each_block(data, [&](std::size_t thread, const model::SparseBlock& block) {
        std::uint8_t* const counts = of_threads[thread].data();
        const Index end = block.offsets[static_cast<std::size_t>(block.rows)];
        for (Index k = block.offsets[0]; k < end; ++k) {
            std::uint8_t& count = counts[index_at(block, k)];
            count = static_cast<std::uint8_t>(count == 0 ? 1 : several);
        }
    });
    std::vector<std::uint8_t>& all = of_threads.front();
    in_parts(data.shard.features, threads, [&](Range part) {
        for (std::size_t t = 1; t < of_threads.size(); ++t) {
            for (auto j = static_cast<std::size_t>(part.first);
                 j < static_cast<std::size_t>(part.end); ++j) {
                all[j] = std::min<std::uint8_t>(
                    several, static_cast<std::uint8_t>(all[j] + of_threads[t][j]));
            }
        }
    });
    return std::move(all);
}

/// Of the rows of all ranks.
void join(const comm::Communicator& comm, std::vector<std::uint8_t>& counts) {
    if (comm.size() == 1) {
        return;
    }
    // Two counts in each integer of the message.
    constexpr unsigned half = 32;
    std::vector<std::int64_t> pairs((counts.size() + 1) / 2);
    for (std::size_t j = 0; j < counts.size(); ++j) {
        pairs[j / 2] += std::int64_t{counts[j]} << (half * (j % 2));
    }
    comm.sum(std::span<std::int64_t>(pairs));
    for (std::size_t j = 0; j < counts.size(); ++j) {
        const std::int64_t count = (pairs[j / 2] >> (half * (j % 2))) & 0xffffffff;
        counts[j] = static_cast<std::uint8_t>(std::min<std::int64_t>(count, several));
    }
}

/// The features of one row of all ranks; all false unless they are half of those that are used.
std::vector<bool> lone_features(const comm::Communicator& comm, const DataSet& data,
                                Index used_count) {
    std::vector<std::uint8_t> counts = comm::together(comm, [&] { return own_counts(data); });
    join(comm, counts);
    std::vector<bool> is_lone(counts.size());
    if (2 * std::ranges::count(counts, 1) >= used_count) {
        for (std::size_t j = 0; j < counts.size(); ++j) {
            is_lone[j] = counts[j] == 1;
        }
    }
    return is_lone;
}

void keep(const std::vector<std::uint32_t>& used, std::vector<std::int16_t>& exponents) {
    std::vector<std::int16_t> kept;
    kept.reserve(used.size());
    for (const std::uint32_t j : used) {
        kept.push_back(exponents[j]);
    }
    exponents = std::move(kept);
}

}  // namespace

UsedFeatures features_to_be_used(const data::Manifest& manifest, bool leaves_out) {
    const Index entries = manifest.entries_before_block.back();
    const Index features = manifest.features;
    if (!leaves_out || !is_worthwhile(manifest, features)) {
        return {.least = features, .most = features};
    }
    // Where entries are as many, each may have a feature of its own.
    const Index most_unused = std::max<Index>(features - entries, 0);
    return {.least = 1,
            .most = is_worthwhile(manifest, most_unused) ? std::max<Index>(entries, 1) : features};
}

UsedFeatures with_count(const data::Manifest& manifest, const UsedFeatures& used,
                        const data::CountOfFeatures& counted) {
    const Index least = std::clamp(counted.count, used.least, used.most);
    // Where too few are left out for new numbers to pay, all are kept, lone features apart.
    const bool is_known =
        counted.is_of_all && is_worthwhile(manifest, manifest.features - counted.count);
    return {.least = least, .most = is_known ? least : used.most};
}

void keep_used_features(const comm::Communicator& comm, DataSet& data, bool wants_lone_apart) {
    if (!data.sparse) {
        return;
    }
    std::vector<bool> is_used = std::move(data.sparse->is_used);
    // Rows without any entry still have a model of an intercept; one feature, which stays at 0,
    // tells it from one where all are kept.
    if (std::ranges::none_of(is_used, std::identity())) {
        is_used.front() = true;
    }
    const Index used_count = std::ranges::count(is_used, true);
    const std::vector<bool> is_lone = wants_lone_apart ? lone_features(comm, data, used_count)
                                                       : std::vector<bool>(is_used.size());
    const Index lone_count = std::ranges::count(is_lone, true);
    if (!is_worthwhile(data.manifest, std::ssize(is_used) - used_count + lone_count)) {
        return;
    }
    comm::together(comm, [&] {
        std::vector<std::uint32_t> used;
        used.reserve(static_cast<std::size_t>(used_count));
        data::Renumbering numbers{.new_index = std::vector<std::uint32_t>(is_used.size()),
                                  .first_lone = used_count - lone_count,
                                  .has_lone = lone_count > 0};
        for (const bool are_lone : {false, true}) {
            for (std::size_t j = 0; j < is_used.size(); ++j) {
                if (is_used[j] && is_lone[j] == are_lone) {
                    numbers.new_index[j] = static_cast<std::uint32_t>(used.size());
                    used.push_back(static_cast<std::uint32_t>(j));
                }
            }
        }
        data::renumber(data.shard, std::move(numbers), data.execution.threads);
        data.shard.features = used_count;
        keep(used, data.bounds.sum_exponents);
        keep(used, data.bounds.value_exponents);
        data.sparse->scale = model::ScatterScale(data.bounds.sum_exponents, data.manifest.rows);
        data.sparse->kept_features = std::move(used);
        data.sparse->lone_features = lone_count;
    });
}

Vector of_kept_features(const DataSet& data, const Vector& of_all) {
    if (!data.sparse || data.sparse->kept_features.empty()) {
        return of_all;
    }
    Vector of_kept(data.shard.features);
    for (Index k = 0; k < of_kept.size(); ++k) {
        of_kept[k] = of_all[number_in_files(data, k)];
    }
    return of_kept;
}

Vector of_all_features(const DataSet& data, const Vector& of_kept) {
    if (!data.sparse || data.sparse->kept_features.empty()) {
        return of_kept;
    }
    Vector of_all = Vector::Zero(data.manifest.features);
    for (Index k = 0; k < of_kept.size(); ++k) {
        of_all[number_in_files(data, k)] = of_kept[k];
    }
    return of_all;
}

Index number_in_files(const DataSet& data, Index feature) {
    return data.sparse && !data.sparse->kept_features.empty()
               ? Index{data.sparse->kept_features[static_cast<std::size_t>(feature)]}
               : feature;
}

std::string name_of(const DataSet& data, Index feature) {
    return data.manifest.name_of_feature(number_in_files(data, feature));
}

}  // namespace paralogit::train
