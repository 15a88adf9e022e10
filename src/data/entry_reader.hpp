#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "chunk_lanes.hpp"
#include "paralogit/base/buffer.hpp"
#include "paralogit/data/mapped_file.hpp"
#include "paralogit/data/source_file.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::data {

/// An index that 32 bits cannot hold, or that names no feature, as it is stored.
struct UnfitIndex {
    Index entry;  ///< counted within the file
    std::string value;
};

/// Brings the entries of one vector of a file into memory with several threads, each its own range
/// in order. Entries of the stored type are copied, or only touched when they are mapped; integers
/// of another width than 32 bits are narrowed where they are to be indices.
class EntryReader {
  public:
    /// Lives no longer than the dataset. `ranges` are those of the threads, counted within the file
    /// as all entries here.
    EntryReader(const h5::Dataset& dataset, const FilePart& part, std::vector<Range> ranges);

    /// The entries are mapped from the file, where entry `first` is the first byte.
    void use(const MappedFile& mapped, Index first);
    /// They go to `out`, which is the place of entry `first`.
    void use(std::byte* out, Index first);
    /// The same for indices, which are held in 32 bits; what is not below `limit`, or negative,
    /// becomes the largest number of 32 bits.
    void use_narrowing(std::byte* out, Index first, Index limit);

    /// Reads what the HDF5 library must read for the next calls of bring(). One thread. Throws
    /// Error.
    void fetch();

    /// Brings in the entries of a thread up to `end`, or as far as was fetched; more where they
    /// come in larger pieces. Returns how far they are there. To be called by the thread itself.
    /// Throws Error.
    Index bring(int thread, Index end);

    /// The first index of a thread that did not fit, when one was met.
    const std::optional<UnfitIndex>& unfit(int thread) const;

    /// Nothing more is wanted by a thread.
    void stop(int thread);

  private:
    enum class Way { mapped, contiguous, chunks, library };

    struct Lane {
        Range rest;     ///< what is not there yet
        Buffer stored;  ///< before it is narrowed
        Range fetched;  ///< by the library
        std::optional<UnfitIndex> unfit;
    };

    bool is_narrowing() const { return limit_ > 0; }
    std::byte* place_of(Index entry) const;
    void fetch_by_library(Lane& lane);
    Index bring_chunks(int thread, Index end);
    /// From the stored entries to their place.
    void narrow_entries(Lane& lane, Range entries) const;

    const h5::Dataset& dataset_;
    const FilePart& part_;
    Index element_bytes_;
    Way way_ = Way::library;
    std::vector<Lane> lanes_;
    std::byte* out_ = nullptr;
    Index first_ = 0;
    Index limit_ = 0;  ///< of indices that are narrowed
    const MappedFile* mapped_ = nullptr;
    std::optional<SourceFile> source_;
    std::optional<h5::ChunkReader> chunks_;
    ChunkLanes chunk_lanes_;
};

}  // namespace paralogit::data
