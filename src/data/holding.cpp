#include "paralogit/data/holding.hpp"

#include <algorithm>
#include <vector>

#include "feature_stream.hpp"
#include "mapped_rows.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/h5/chunks.hpp"
#include "rows_in_file.hpp"
#include "sparse_layout.hpp"
#include "sparse_stream.hpp"

namespace paralogit::data {

namespace {

std::vector<FeatureFile> find_files(const Manifest& manifest, Range rows, int threads) {
    std::vector<FeatureFile> files;
    for (const FilePart& part : manifest.files) {
        const Index rows_in_part = rows_in_file(part, rows).size();
        if (rows_in_part > 0) {
            files.push_back(find_features(manifest, part, rows_in_part, threads));
        }
    }
    return files;
}

Index largest(const std::vector<FeatureFile>& files, Index FeatureFile::*bytes) {
    Index most = 0;
    for (const FeatureFile& file : files) {
        most = std::max(most, file.*bytes);
    }
    return most;
}

/// Rows that lie in the files as they are shall be looked at there, when windows are a small part
/// of the memory; else they are copied through one slot, small enough for the cache of a core.
/// Where rows have to be decoded there are several slots, so that neither side waits for each block
/// of the other. `bytes` has room for two blocks of each thread.
RingSize ring_size(Index bytes, Index block_bytes, int threads, Index band_bytes) {
    constexpr Index most_slots = 4;
    constexpr Index slot_bytes = Index{512} << 10;
    constexpr Index most_share = 8;
    const Index of_thread = bytes / threads;
    const bool is_contiguous = band_bytes == 0;
    const Index window_bytes = std::clamp(of_thread / most_share, MappedRows::least_window_bytes,
                                          MappedRows::most_window_bytes);
    // A block that is larger than a window is a window.
    const Index window = MappedRows::most_bytes(window_bytes) + 2 * block_bytes;
    if (is_contiguous && of_thread / 3 * 2 >= window) {
        return {.slots = 1,
                .blocks_per_slot = 1,
                .is_mapped = true,
                .window_bytes = window_bytes,
                .bytes_beside = window - block_bytes};
    }
    const Index slots =
        is_contiguous
            ? 1
            : std::clamp<Index>((of_thread - band_bytes) / 2 / block_bytes, 2, most_slots);
    const Index slot = std::min(slot_bytes, (of_thread - band_bytes) / most_share / slots);
    return {.slots = slots,
            .blocks_per_slot = std::max<Index>(slot / block_bytes, 1),
            .is_mapped = false,
            .bytes_beside = band_bytes};
}

}  // namespace

std::optional<Index> hold_within(Index bytes, const Manifest& manifest, const ShardPlan& plan,
                                 Shard& shard, int threads) {
    const Index row_bytes = manifest.features * narrow<Index>(size_of(manifest.type));
    const Index features_bytes =
        checked_multiply(shard.rows.size(), row_bytes, "the bytes of a shard");
    // Enough for whatever reading needs, unless chunks are huge.
    constexpr Index ample_bytes = Index{256} << 20;
    if (features_bytes + ample_bytes <= bytes || shard.blocks.size() == 0) {
        return std::nullopt;
    }
    std::vector<FeatureFile> files = find_files(manifest, shard.rows, threads);
    const Index loading = largest(files, &FeatureFile::loading_bytes);
    if (features_bytes + loading <= bytes) {
        return std::nullopt;
    }

    const Index block_bytes = checked_multiply(std::min(plan.rows_per_block(), shard.rows.size()),
                                               row_bytes, "the bytes of a block");
    const Index band_bytes = largest(files, &FeatureFile::band_bytes);
    const Index shared_bytes = largest(files, &FeatureFile::shared_bytes);
    const Index least = threads * (2 * block_bytes + band_bytes) + shared_bytes;
    if (bytes < least) {
        return least;
    }
    RingSize ring = ring_size(bytes - shared_bytes, block_bytes, threads, band_bytes);
    ring.shared_bytes = shared_bytes;
    const Index streaming =
        threads * (ring.slots * ring.blocks_per_slot * block_bytes + ring.bytes_beside) +
        shared_bytes;
    const Index left = bytes - std::max(streaming, loading);
    // Not quite all blocks can be held, or there would be no need to be here.
    const Index held = std::clamp<Index>(left / block_bytes, 0, shard.blocks.size() - 1);
    shard.stream = std::make_shared<FeatureStream>(
        manifest, plan, std::move(files),
        Range{.first = shard.blocks.first + held, .end = shard.blocks.end}, threads, ring,
        shard.trace);
    return std::nullopt;
}

namespace {

/// Of the datasets of sparse rows in the files, those of a chunk: what is decoded of a part more
/// than once, or lies beside it for a while.
Index largest_sparse_chunk(const Manifest& manifest, Range rows) {
    Index bytes = 0;
    for (const FilePart& part : manifest.files) {
        if (rows_in_file(part, rows).size() <= 0) {
            continue;
        }
        check_unchanged(part);
        const h5::File file = h5::File::open(part.path);
        for (const std::string& path :
             {path_of_values(part.features_path), path_of_indices(part.features_path)}) {
            const h5::Dataset dataset = file.dataset(path);
            if (const auto chunks = dataset.chunks()) {
                bytes = std::max(bytes, chunks->chunk_bytes());
            }
        }
    }
    return bytes;
}

}  // namespace

std::optional<Index> hold_sparse_within(Index bytes, const Manifest& manifest,
                                        const ShardPlan& plan, Shard& shard, int threads) {
    // Where reading is no more than touching, larger parts are no faster.
    constexpr Index most_part_bytes = Index{16} << 20;
    // Two parts, and for one of them what is stored, as it is stored, and new indices.
    constexpr Index parts_in_memory = 6;
    constexpr Index chunks_in_memory = 6;
    // Of what is there, so that the rest is for the solver.
    constexpr Index most_share = 4;
    if (shard.blocks.size() == 0) {
        return std::nullopt;
    }
    Index largest_block = 0;
    for (Index k = shard.blocks.first; k < shard.blocks.end; ++k) {
        largest_block =
            std::max(largest_block, sparse_bytes(manifest, plan, {.first = k, .end = k + 1}));
    }
    const Index of_chunks = chunks_in_memory * largest_sparse_chunk(manifest, shard.rows);
    const Index least = threads * (parts_in_memory * largest_block + of_chunks);
    if (bytes < least) {
        return least;
    }
    const Index share = (bytes / most_share / threads - of_chunks) / parts_in_memory;
    const Index part_bytes = std::max(largest_block, std::min(share, most_part_bytes));
    shard.sparse_stream =
        std::make_shared<SparseStream>(manifest, plan, shard.blocks, part_bytes,
                                       (parts_in_memory - 2) * part_bytes + of_chunks, threads);
    return std::nullopt;
}

}  // namespace paralogit::data
