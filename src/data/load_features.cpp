#include <malloc.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "block_walk.hpp"
#include "chunk_lanes.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/base/trace.hpp"
#include "paralogit/data/shard.hpp"
#include "paralogit/data/shard_walk.hpp"
#include "paralogit/h5/file.hpp"
#include "read_features.hpp"
#include "row_source.hpp"
#include "rows_in_file.hpp"

namespace paralogit::data {

namespace {

/// Bytes that a thread brings in before it looks at them: small enough for its cache.
constexpr Index piece_bytes = Index{1} << 20;

/// The load of what is held of a shard: file by file, and in each file all threads, each in its own
/// blocks.
class FeatureLoad {
  public:
    FeatureLoad(const Manifest& manifest, const ShardPlan& plan, Shard& shard, int threads,
                const BlockReady& on_block)
        : manifest_(manifest),
          shard_(shard),
          rows_(shard.held_rows(plan)),
          row_bytes_(manifest.features * narrow<Index>(size_of(manifest.type))),
          walk_(shard.held(), plan, threads,
                [&](int thread, Index block) { on_block(thread, shard.block(block, plan)); }) {}

    void run() {
        for (const FilePart& part : manifest_.files) {
            const Range rows = rows_in_file(part, rows_);
            if (rows.size() > 0) {
                check_unchanged(part);
                tell_change_first(part, [&] { load(part, rows); });
            }
        }
    }

  private:
    void load(const FilePart& part, Range rows) {
        const h5::File file = h5::File::open(part.path);
        std::optional<h5::Dataset> dataset =
            open_features(file, manifest_, part, h5::ChunkCache::none);
        const FeatureLayout layout = layout_of(*dataset, manifest_.is_transposed);
        if (layout == FeatureLayout::contiguous) {
            const Index offset = dataset->info().file_offset.value();
            if (rows.size() != rows_.size() || !map(part, offset + rows.first * row_bytes_)) {
                make_buffer();
                read_contiguous(part, offset);
            }
            return;
        }
        make_buffer();
        if (layout == FeatureLayout::chunked) {
            read_chunks(part, dataset->chunks().value());
            return;
        }
        // As it was planned: of the rows of the shard, be they held or not.
        const h5::ChunkCache cache =
            cache_while_loading(dataset->info(), manifest_.is_transposed,
                                rows_in_file(part, shard_.rows).size(), walk_.threads());
        if (cache != h5::ChunkCache::none) {
            dataset.reset();  // or it would be the same one
            dataset = open_features(file, manifest_, part, cache);
        }
        read_by_library(part, *dataset);
    }

    void make_buffer() {
        if (out_ == nullptr) {
            Buffer buffer(checked_multiply(rows_.size(), row_bytes_, "the bytes of a shard"));
            out_ = buffer.data();
            shard_.values = Values(std::move(buffer));
        }
    }

    /// The rows of a thread that lie in a file, counted within the file.
    Range own_rows(int thread, const FilePart& part) const {
        return rows_in_file(part, walk_.rows_of(thread));
    }

    /// Where the row of a file belongs.
    std::byte* place_of(const FilePart& part, Index row) const {
        return out_ + (part.first_row + row - rows_.first) * row_bytes_;
    }

    /// Calls bring(rows) for pieces of each thread's rows that lie in a file, on that thread.
    template <class Bring>
    void in_pieces(const FilePart& part, const Bring& bring) {
        const Index piece_rows = std::max<Index>(piece_bytes / row_bytes_, 1);
        run_threads(walk_.threads(), [&](int thread) {
            const Range rows = own_rows(thread, part);
            for (Index row = rows.first; row < rows.end;) {
                const Index end = std::min(row + piece_rows, rows.end);
                {
                    const TraceSpan span(thread_lane(shard_.trace, thread), "read");
                    bring(Range{.first = row, .end = end});
                }
                rows_are_ready(thread, part.first_row + end);
                row = end;
            }
        });
    }

    /// All rows of the shard, which begin at `offset` of the file. False when it cannot be mapped.
    bool map(const FilePart& part, Index offset) {
        MappedFile mapped(SourceFile(part), offset, rows_.size() * row_bytes_);
        if (!mapped.is_mapped()) {
            return false;
        }
        mapped.read_in_order();
        shard_.values = Values(std::move(mapped));
        const Index first = rows_.first - part.first_row;
        in_pieces(part, [&](Range rows) {
            shard_.values.mapped().populate((rows.first - first) * row_bytes_,
                                            rows.size() * row_bytes_);
        });
        return true;
    }

    void read_contiguous(const FilePart& part, Index offset) {
        const SourceFile source(part);
        in_pieces(part, [&](Range rows) {
            source.read(
                offset + rows.first * row_bytes_,
                {place_of(part, rows.first), narrow<std::size_t>(rows.size() * row_bytes_)});
        });
    }

    /// In rounds: one thread fetches some chunks for each, then each decodes its own.
    void read_chunks(const FilePart& part, const h5::ChunkReader& chunks) {
        std::vector<Range> rows;
        for (int thread = 0; thread < walk_.threads(); ++thread) {
            rows.push_back(own_rows(thread, part));
        }
        lanes_.begin(chunks, rows);
        while (fetch_chunks()) {
            run_threads(walk_.threads(), [&](int thread) {
                const Range own = rows[static_cast<std::size_t>(thread)];
                if (own.size() > 0) {
                    const TraceSpan span(thread_lane(shard_.trace, thread), "decode");
                    lanes_.decode(thread, place_of(part, own.first),
                                  [&](Index end) { rows_are_ready(thread, part.first_row + end); });
                }
            });
        }
    }

    bool fetch_chunks() {
        const TraceSpan span(main_lane(shard_.trace), "read");
        return lanes_.fetch();
    }

    /// In rounds: one thread reads a band of rows for each, then each looks at its own.
    void read_by_library(const FilePart& part, const h5::Dataset& dataset) {
        std::vector<Range> rest;
        for (int thread = 0; thread < walk_.threads(); ++thread) {
            rest.push_back(own_rows(thread, part));
        }
        const auto has_rows = [](Range rows) { return rows.size() > 0; };
        while (std::ranges::any_of(rest, has_rows)) {
            for (Range& rows : rest) {
                if (has_rows(rows)) {
                    const Index end =
                        end_of_band(dataset.info(), manifest_.is_transposed, rows.first, rows.end);
                    read_band(dataset, {.first = rows.first, .end = end},
                              place_of(part, rows.first));
                    rows.first = end;
                }
            }
            run_threads(walk_.threads(), [&](int thread) {
                const Index end = rest[static_cast<std::size_t>(thread)].first;
                rows_are_ready(thread, part.first_row + end);
            });
        }
    }

    void rows_are_ready(int thread, Index end) {
        const TraceSpan span(thread_lane(shard_.trace, thread), "scan");
        walk_.rows_are_ready(thread, end);
    }

    void read_band(const h5::Dataset& dataset, Range rows, std::byte* out) const {
        const TraceSpan span(main_lane(shard_.trace), "read");
        if (manifest_.is_transposed) {
            read_transposed_features(dataset, rows, out);
        } else {
            read_features(dataset, rows, out);
        }
    }

    const Manifest& manifest_;
    Shard& shard_;
    Range rows_;  ///< that are to be held
    Index row_bytes_;
    BlockWalk walk_;
    ChunkLanes lanes_;
    std::byte* out_ = nullptr;  ///< of the shard's buffer, from when it is there
};

}  // namespace

void load_features(const Manifest& manifest, const ShardPlan& plan, Shard& shard, int threads,
                   const BlockReady& on_block) {
    FeatureLoad(manifest, plan, shard, threads, on_block).run();
    if (shard.stream == nullptr) {
        return;
    }
    // What the C library keeps of freed bands would come on top of those that pass.
    malloc_trim(0);
    run_threads(threads, [&](int thread) {
        ShardWalk walk = ShardWalk::of_streamed(shard, plan, thread, threads);
        while (walk.next()) {
            on_block(thread, walk.block());
        }
    });
}

}  // namespace paralogit::data
