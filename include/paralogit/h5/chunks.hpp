#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "paralogit/base/threads.hpp"
#include "paralogit/base/types.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::h5 {

/// The memory in which one thread decodes: at most two chunks, kept from one to the next.
class ChunkScratch {
  public:
    /// Throws std::bad_alloc.
    ChunkScratch();
    ~ChunkScratch();
    ChunkScratch(ChunkScratch&&) noexcept;
    ChunkScratch& operator=(ChunkScratch&&) noexcept;

    struct Impl;
    Impl& impl() { return *impl_; }

  private:
    std::unique_ptr<Impl> impl_;
};

/// The chunks of a dataset, decoded around the HDF5 library, which does it on one thread and with a
/// slower inflate. The library finds and reads what is stored, on one thread; then any thread
/// decodes it. Chunks are numbered from 0, row-major. Lives no longer than its Dataset.
class ChunkReader {
  public:
    Index rows_per_chunk() const;
    /// How many chunks lie side by side, so that together they hold whole rows.
    Index chunks_per_row() const;
    /// Bytes of a decoded chunk.
    Index chunk_bytes() const;

    /// Bytes of a chunk as it is stored. Throws Error when it was never written, or claims more
    /// than the file has. Cost: a look-up in the file's index. One thread at a time.
    Index stored_bytes(Index number) const;
    /// Reads a chunk as it is stored; `out` has stored_bytes. Returns the filters that it was
    /// stored without, a bit for each. Throws Error. One thread at a time.
    std::uint32_t read_stored(Index number, std::span<std::byte> out) const;

    /// Decodes what read_stored gave, and copies what it has of the rows [rows.first, rows.end) to
    /// where they belong in `out`, which holds these rows, row-major. Throws Error that names file,
    /// dataset and chunk when a checksum, a size or the compressed stream is wrong. Any thread.
    void decode(Index number, std::span<const std::byte> stored, std::uint32_t skipped_filters,
                Range rows, std::byte* out, ChunkScratch& scratch) const;

    ~ChunkReader();
    ChunkReader(ChunkReader&&) noexcept;
    ChunkReader& operator=(ChunkReader&&) noexcept;

  private:
    friend class Dataset;
    struct Impl;
    explicit ChunkReader(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace paralogit::h5
