#include "sparse_pass.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>

namespace paralogit::train {

namespace {

constexpr Index limb_bytes = sizeof(std::int64_t);

/// Larger sums would take more memory than the rows may be worth, and leave the caches.
constexpr Index most_bytes_apart = Index{32} << 20U;

/// Whether each thread has both limbs of its own.
bool are_apart(Index features, int threads) {
    constexpr Index most_bytes = Index{8} << 20U;
    const Index bytes = 2 * features * limb_bytes;
    return threads == 1 || (bytes <= most_bytes && (threads - 1) * bytes <= most_bytes_apart);
}

/// The same of high limbs, of which those of two threads, with the words between them, go into both
/// limbs of one.
bool are_high_limbs_apart(Index features, int threads) {
    return are_apart(features, threads) ||
           (threads - 2) * features * limb_bytes <= most_bytes_apart;
}

}  // namespace

Index SparsePass::bytes(Index features, Index own_rows, int threads) {
    const Index of_factors = own_rows * Index{sizeof(double)};
    const Index of_high = features * limb_bytes;
    if (are_apart(features, threads)) {
        return 2 * threads * of_high + of_factors;
    }
    const Index of_others = are_high_limbs_apart(features, threads) ? (threads - 2) * of_high : 0;
    return 2 * of_high + of_others + of_factors;
}

SparsePass::SparsePass(const DataSet& data)
    : data_(data),
      threads_(data.execution.threads),
      scale_of_high_limbs_(data.sparse->scale.of_high_limbs()),
      last_(&both_limbs_) {
    const model::ScatterScale& scale = data.sparse->scale;
    const bool is_apart = are_apart(scale.features(), threads_);
    const auto threads = static_cast<std::size_t>(threads_);
    both_limbs_.reserve(is_apart ? threads : 1);
    both_limbs_.emplace_back(scale, most_words);
    while (is_apart && both_limbs_.size() < threads) {
        both_limbs_.emplace_back(scale);
    }
    const bool is_high_apart = are_high_limbs_apart(scale.features(), threads_);
    const auto room = static_cast<std::size_t>(scale.features() + most_words);
    high_limbs_.reserve(is_high_apart ? threads : 1);
    for (model::ScatteredSums& sums : both_limbs_) {
        high_limbs_.emplace_back(scale_of_high_limbs_, sums.memory());
    }
    while (is_high_apart && high_limbs_.size() < threads) {
        if (high_limbs_.size() == 1) {
            high_limbs_.emplace_back(scale_of_high_limbs_,
                                     both_limbs_.front().memory().subspan(room));
        } else {
            high_limbs_.emplace_back(scale_of_high_limbs_);
        }
    }
    if (is_apart) {
        factors_.assign(threads,
                        std::vector<double>(static_cast<std::size_t>(data.plan.rows_per_block())));
    } else {
        factors_.emplace_back(static_cast<std::size_t>(data.shard.rows.size()));
        share_out_features();
    }
}

void SparsePass::share_out_features() {
    // Some entries say well enough how many the others have; those of the first part of the rows
    // when these are streamed.
    constexpr Index entries_wanted = Index{1} << 16U;
    std::vector<std::uint32_t> indices;
    data::SparseWalk walk(data_.shard, data_.plan, 0, 1);
    if (walk.next()) {
        const Range blocks = walk.blocks();
        Index entries = 0;
        for (Index k = blocks.first; k < blocks.end; ++k) {
            entries += walk.block(k).entries();
        }
        const Index step = std::max<Index>(entries / entries_wanted, 1);
        Index next = 0;  // counted from the first entry of the block
        for (Index k = blocks.first; k < blocks.end; ++k) {
            const model::SparseBlock block = walk.block(k);
            for (; next < block.entries(); next += step) {
                std::uint32_t index = 0;
                std::memcpy(&index, block.indices + (block.offsets[0] + next) * Index{sizeof index},
                            sizeof index);
                indices.push_back(index);
            }
            next -= block.entries();
        }
    }
    std::ranges::sort(indices);
    Index first = 0;
    for (int thread = 0; thread < threads_; ++thread) {
        const Range part = part_of({.first = 0, .end = std::ssize(indices)}, thread, threads_);
        const bool is_last = thread == threads_ - 1;
        const Index end = is_last || part.end >= std::ssize(indices)
                              ? data_.shard.features
                              : std::max(first, Index{indices[static_cast<std::size_t>(part.end)]});
        features_of_thread_.push_back({.first = first, .end = end});
        first = end;
    }
}

void SparsePass::clear_sums() {
    const Range all_features = features();
    run_threads(threads_, [&](int thread) {
        if (is_apart()) {
            (*last_)[static_cast<std::size_t>(thread)].clear(all_features);
        } else {
            last_->front().clear(part_of(all_features, thread, threads_));
        }
    });
}

void SparsePass::join_sums() {
    const Range all_features = features();
    run_threads(last_->size() == 1 ? 1 : threads_, [&](int thread) {
        const Range features = part_of(all_features, thread, threads_);
        for (std::size_t t = 1; t < last_->size(); ++t) {
            last_->front().add((*last_)[t], features);
        }
    });
}

std::span<double> SparsePass::factors_of(const model::SparseBlock& block, int thread) {
    if (std::ssize(factors_) == threads_) {
        return factors_[static_cast<std::size_t>(thread)];
    }
    const Index row = block.first_global_row - data_.shard.rows.first;
    return std::span(factors_.front())
        .subspan(static_cast<std::size_t>(row), static_cast<std::size_t>(block.rows));
}

model::SparseBlock SparsePass::block_of(const data::SparseWalk& walk, Index number) const {
    return features().end < data_.shard.features ? walk.shared_block(number) : walk.block(number);
}

/// Of the blocks that a walk is at.
bool SparsePass::add_own_rows(data::SparseWalk& walk, int thread, const OfBlock& of_block) {
    model::ScatteredSums* const own =
        is_apart() ? &(*last_)[static_cast<std::size_t>(thread)] : nullptr;
    bool is_within = true;
    for (Index k = walk.blocks().first; k < walk.blocks().end; ++k) {
        const model::SparseBlock block = block_of(walk, k);
        is_within = of_block(thread, block, own, factors_of(block, thread)) && is_within;
    }
    return is_within;
}

/// Of the blocks that all walks are at.
bool SparsePass::add_own_features(const std::vector<data::SparseWalk>& walks, int thread,
                                  const OfFeatures& of_features) {
    const Range own = features_of_thread_[static_cast<std::size_t>(thread)];
    const Index end = features().end;
    const Range features{.first = std::min(own.first, end), .end = std::min(own.end, end)};
    const std::span<const double> factors(factors_.front());
    bool is_within = true;
    for (const data::SparseWalk& walk : walks) {
        for (Index k = walk.blocks().first; k < walk.blocks().end; ++k) {
            const model::SparseBlock block = block_of(walk, k);
            const Index row = block.first_global_row - data_.shard.rows.first;
            is_within = of_features(block, factors.subspan(static_cast<std::size_t>(row)), features,
                                    last_->front()) &&
                        is_within;
        }
    }
    return is_within;
}

bool SparsePass::add_up(const model::ScatterScale& scale, const OfBlock& of_block,
                        const OfFeatures& of_features) {
    last_ = scale.limbs() == 1 ? &high_limbs_ : &both_limbs_;
    for (model::ScatteredSums& sums : *last_) {
        sums.set_scale(scale);
    }
    std::vector<data::SparseWalk> walks;
    walks.reserve(static_cast<std::size_t>(threads_));
    for (int thread = 0; thread < threads_; ++thread) {
        walks.emplace_back(data_.shard, data_.plan, thread, threads_);
    }
    clear_sums();
    std::atomic<bool> is_within = true;
    const auto has_blocks = [](const data::SparseWalk& walk) { return walk.blocks().size() > 0; };
    do {
        run_threads(threads_, [&](int thread) {
            const TraceSpan span(thread_lane(data_.execution.trace, thread), "kernel");
            data::SparseWalk& walk = walks[static_cast<std::size_t>(thread)];
            // With sums of its own nobody waits for anybody.
            while (walk.next()) {
                if (!add_own_rows(walk, thread, of_block)) {
                    is_within = false;
                }
                if (!is_apart()) {
                    return;
                }
            }
        });
        if (!is_apart()) {
            run_threads(threads_, [&](int thread) {
                if (!add_own_features(walks, thread, of_features)) {
                    is_within = false;
                }
            });
        }
    } while (std::ranges::any_of(walks, has_blocks));
    join_sums();
    return is_within;
}

void SparsePass::values(double factor, double share, std::span<double> values) const {
    run_threads(threads_, [&](int thread) {
        last_->front().values(part_of(features(), thread, threads_), factor, share, values);
    });
}

}  // namespace paralogit::train
