#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "paralogit/base/buffer.hpp"
#include "paralogit/h5/chunks.hpp"

namespace paralogit::data {

/// Reads a chunked dataset with several threads, of which each has its own rows: one thread fetches
/// what is stored, all of them decode. The memory is kept from one file to the next.
class ChunkLanes {
  public:
    /// Beyond that, too much memory would go into what is not the data.
    static constexpr Index largest_chunk_bytes = Index{16} << 20;
    /// Of all lanes together, in each round.
    static constexpr Index round_bytes = Index{32} << 20;

    /// Turns to the next dataset. Lane t is to read rows[t], counted within the file.
    void begin(const h5::ChunkReader& chunks, std::span<const Range> rows);

    /// Reads the next chunks of every lane that has decoded those before, as they are stored; false
    /// when all is done. On one thread. Throws Error.
    bool fetch();

    /// Decodes them; `out` has room for all rows of the lane. Calls `are_ready(end)` when all rows
    /// of the lane before row `end` of the file are there. A lane may run on any one thread. Throws
    /// Error.
    void decode(int lane, std::byte* out, const std::function<void(Index end)>& are_ready);

    /// Decodes one fetched chunk of a vector. `place` is told which rows of the lane it has, and
    /// gives the memory for them; returns the end of these rows, or nothing when no chunk is left
    /// of those that were fetched. A lane may run on any one thread. Throws Error.
    std::optional<Index> decode_next(int lane, const std::function<std::byte*(Range rows)>& place);

  private:
    struct Fetched {
        Index number;
        Index first_byte;  ///< in Lane::stored
        Index bytes;
        std::uint32_t skipped_filters;
    };
    struct Lane {
        Range rows;
        Range chunks;  ///< still to be fetched
        std::vector<Fetched> fetched;
        std::size_t decoded = 0;  ///< of those that were fetched
        Buffer stored;
        h5::ChunkScratch scratch;
    };

    void fetch(Lane& lane) const;
    void decode(const Fetched& chunk, Lane& lane, Range rows, std::byte* out) const;

    const h5::ChunkReader* chunks_ = nullptr;
    std::vector<Lane> lanes_;
};

}  // namespace paralogit::data
