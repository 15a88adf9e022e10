#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

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

    /// From now on feature j has the number new_index[j].
    void renumber(std::vector<std::uint32_t> new_index) { new_index_ = std::move(new_index); }

    /// By name, also when another file has taken its place. Throws Error (input_data).
    void check_unchanged() const;

  private:
    Index bytes_of(Range blocks) const;

    Manifest manifest_;
    ShardPlan plan_;
    Range blocks_;
    Index part_bytes_;
    Index reading_bytes_;
    int threads_;
    std::vector<std::uint32_t> new_index_;
    std::mutex library_;
    std::atomic<Index> bytes_read_ = 0;
};

/// What the entries and the offsets of some blocks take in memory.
Index sparse_bytes(const Manifest& manifest, const ShardPlan& plan, Range blocks);

/// Reads the sparse rows of a shard into memory with one thread. `library` is held while the HDF5
/// library works. Throws Error (input_data).
void read_sparse_features(const Manifest& manifest, const ShardPlan& plan, Shard& shard,
                          std::mutex& library);

}  // namespace paralogit::data
