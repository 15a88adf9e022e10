#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <vector>

#include "handle.hpp"
#include "paralogit/base/buffer.hpp"
#include "paralogit/h5/chunks.hpp"

struct libdeflate_decompressor;

namespace paralogit::h5 {

/// What the filters need beside the chunk.
struct ChunkScratch::Impl {
    Impl();

    struct Free {
        void operator()(libdeflate_decompressor* decompressor) const;
    };
    std::unique_ptr<libdeflate_decompressor, Free> decompressor;
    Buffer buffers[2];  ///< a filter reads from one and writes to the other
};

/// A chunk whose bytes cannot be what was written; the text says why, from "its" on.
class DamagedChunk : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// The filters through which the chunks of a dataset were written, in that order.
class FilterPipeline {
  public:
    /// Empty when there are other filters than deflate, shuffle and fletcher32.
    static std::optional<FilterPipeline> of(hid_t creation, const Location& where);

    bool empty() const { return steps_.empty(); }

    /// The chunk that was stored, `chunk_bytes` long, without the steps whose bit is set in
    /// `skipped`. The result lies in `stored` or in `scratch`. Throws DamagedChunk.
    std::span<const std::byte> undo(std::span<const std::byte> stored, std::uint32_t skipped,
                                    std::size_t chunk_bytes, ChunkScratch::Impl& scratch) const;

  private:
    enum class Filter { deflate, shuffle, fletcher32 };
    struct Step {
        Filter filter;
        std::size_t element_bytes = 1;  ///< of shuffle
    };

    bool is_done(std::size_t step, Filter filter, std::uint32_t skipped) const;

    std::vector<Step> steps_;
};

/// Fletcher's checksum as HDF5 computes it: over big-endian words of 16 bits; a last odd byte is
/// the high one of a word.
std::uint32_t fletcher32(std::span<const std::byte> bytes);

/// Turns [element_bytes x elements] into [elements x element_bytes]; bytes beyond the last whole
/// element stay where they are. `to` is as long as `from`.
void unshuffle(std::span<const std::byte> from, std::size_t element_bytes, std::byte* to);

}  // namespace paralogit::h5
