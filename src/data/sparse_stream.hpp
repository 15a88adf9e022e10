#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "entry_vector.hpp"
#include "paralogit/data/manifest.hpp"
#include "paralogit/data/shard.hpp"

namespace paralogit::data {

/// The sparse rows of a shard that are not held in memory: read from their files some blocks at a
/// time, in each pass anew, as the rows of a small shard.
class SparseStream {
  public:
    /// `part_bytes` are what the entries and offsets of some blocks take at most, unless it is one
    /// block; reading takes `reading_bytes` beside them, both of each of some threads.
    SparseStream(const Manifest& manifest, const ShardPlan& plan, Range blocks, Index part_bytes,
                 Index reading_bytes, int threads);

    Range blocks() const { return blocks_; }
    /// Of entries and offsets in one pass, and in all passes so far.
    Index pass_bytes() const { return bytes_of(blocks_); }
    Index bytes_read() const { return bytes_read_; }
    /// Of all threads, at most: blocks that are computed on, and others that are read.
    Index memory_bytes() const;

    /// The first ones of some blocks, as many as are read at a time.
    Range next_of(Range blocks) const;
    /// Their features. Any thread. Throws Error (input_data).
    Shard read(Range blocks);

    /// See read_row_offsets and fetch_sparse_rows.
    std::vector<Index> row_offsets();
    void fetch(std::span<const Index> offsets, std::span<const Index> rows, std::byte* values,
               std::byte* indices);

    /// From now on features have these numbers.
    void renumber(Renumbering numbers) { numbers_ = std::move(numbers); }

    /// By name, also when another file has taken its place. Throws Error (input_data).
    void check_unchanged() const;

  private:
    Index bytes_of(Range blocks) const;
    Range rows() const;
    /// Of a file, found when it is first asked for.
    struct EntryVectors {
        EntryVector values;
        EntryVector indices;
    };
    const EntryVectors& entry_vectors(std::size_t file);
    /// Of rows that lie in one file; `offsets` are theirs, side by side.
    void fetch_of_file(std::size_t file, std::span<const Range> entries,
                       std::span<const Index> offsets, std::byte* values, std::byte* indices);

    Manifest manifest_;
    ShardPlan plan_;
    Range blocks_;
    Index part_bytes_;
    Index reading_bytes_;
    int threads_;
    Renumbering numbers_;
    std::mutex library_;
    std::vector<std::optional<EntryVectors>> entry_vectors_;
    std::atomic<Index> bytes_read_ = 0;
};

/// What the entries and the offsets of some blocks take in memory.
Index sparse_bytes(const Manifest& manifest, const ShardPlan& plan, Range blocks);

/// Reads the sparse rows of a shard into memory with one thread. `library` is held while the HDF5
/// library works. Throws Error (input_data).
void read_sparse_features(const Manifest& manifest, const ShardPlan& plan, Shard& shard,
                          std::mutex& library);

}  // namespace paralogit::data
