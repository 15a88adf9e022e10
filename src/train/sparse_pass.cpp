#include "sparse_pass.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>

namespace paralogit::train {

SparsePass::SparsePass(const DataSet& data) : data_(data), threads_(data.execution.threads) {
    // Larger sums would take more memory than the rows may be worth, and leave the caches.
    constexpr Index most_bytes = Index{8} << 20U;
    constexpr Index most_bytes_apart = Index{32} << 20U;
    const model::ScatterScale& scale = data.sparse->scale;
    const Index bytes = scale.features() * Index{2 * sizeof(std::int64_t)};
    is_apart_ =
        threads_ == 1 || (bytes <= most_bytes && (threads_ - 1) * bytes <= most_bytes_apart);
    const auto threads = static_cast<std::size_t>(threads_);
    sums_.reserve(is_apart_ ? threads : 1);
    sums_.emplace_back(scale, most_words);
    while (is_apart_ && sums_.size() < threads) {
        sums_.emplace_back(scale);
    }
    if (is_apart_) {
        factors_.assign(threads,
                        std::vector<double>(static_cast<std::size_t>(data.plan.rows_per_block())));
    } else {
        factors_.emplace_back(static_cast<std::size_t>(data.shard.rows.size()));
        share_out_features();
    }
}

void SparsePass::share_out_features() {
    // Some entries say well enough how many the others have.
    constexpr Index entries_wanted = Index{1} << 16U;
    const data::SparseValues& sparse = data_.shard.sparse;
    const Index entries = sparse.offsets.empty() ? 0 : sparse.offsets.back();
    std::vector<std::uint32_t> indices;
    for (Index k = 0; k < entries; k += std::max<Index>(entries / entries_wanted, 1)) {
        std::uint32_t index = 0;
        std::memcpy(&index, sparse.indices.data() + k * Index{sizeof index}, sizeof index);
        indices.push_back(index);
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

bool SparsePass::add_up(const model::ScatterScale& scale, const OfBlock& of_block,
                        const OfFeatures& of_features) {
    for (model::ScatteredSums& sums : sums_) {
        sums.set_scale(scale);
    }
    const Range all_features{.first = 0, .end = data_.shard.features};
    std::atomic<bool> is_within = true;
    run_threads(threads_, [&](int thread) {
        const auto own = static_cast<std::size_t>(is_apart_ ? thread : 0);
        sums_[own].clear(is_apart_ ? all_features : part_of(all_features, thread, threads_));
        const Range blocks = data_.plan.blocks_of_thread(data_.shard.blocks, thread, threads_);
        for (Index k = blocks.first; k < blocks.end; ++k) {
            std::span<double> factors(factors_[own]);
            if (!is_apart_) {
                const Range rows = data_.plan.rows_of_block(k);
                factors =
                    factors.subspan(static_cast<std::size_t>(rows.first - data_.shard.rows.first),
                                    static_cast<std::size_t>(rows.size()));
            }
            if (!of_block(thread, k, is_apart_ ? &sums_[own] : nullptr, factors)) {
                is_within = false;
            }
        }
    });
    if (is_apart_ && threads_ > 1) {
        run_threads(threads_, [&](int thread) {
            const Range features = part_of(all_features, thread, threads_);
            for (std::size_t t = 1; t < sums_.size(); ++t) {
                sums_.front().add(sums_[t], features);
            }
        });
    }
    if (!is_apart_) {
        run_threads(threads_, [&](int thread) {
            const Range features = features_of_thread_[static_cast<std::size_t>(thread)];
            const Range blocks = data_.shard.blocks;
            for (Index k = blocks.first; k < blocks.end; ++k) {
                const Index row = data_.plan.rows_of_block(k).first - data_.shard.rows.first;
                const std::span<const double> factors(factors_.front());
                if (!of_features(k, factors.subspan(static_cast<std::size_t>(row)), features,
                                 sums_.front())) {
                    is_within = false;
                }
            }
        });
    }
    return is_within;
}

void SparsePass::values(double factor, double share, std::span<double> values) const {
    run_threads(threads_, [&](int thread) {
        sums_.front().values(part_of({.first = 0, .end = data_.shard.features}, thread, threads_),
                             factor, share, values);
    });
}

}  // namespace paralogit::train
