#include "row_source.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "chunk_lanes.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/data/source_file.hpp"
#include "paralogit/h5/chunks.hpp"
#include "read_features.hpp"

namespace paralogit::data {

namespace {

Index row_bytes_of(const Manifest& manifest) {
    return manifest.features * narrow<Index>(size_of(manifest.type));
}

/// Where the system is asked to read ahead of the reader, beyond its own habit.
constexpr Index bytes_ahead = Index{16} << 20;

/// What the library reads at a time into memory that passes.
constexpr Index narrow_band_bytes = Index{1} << 20;

class ContiguousRows : public RowSource {
  public:
    ContiguousRows(const Manifest& manifest, const FeatureFile& file, Range rows, Reading reading)
        : source_(file.part),
          row_bytes_(row_bytes_of(manifest)),
          offset_(file.offset),
          // What is skipped shall not be asked for.
          end_(reading == Reading::all ? file.offset + rows.end * row_bytes_ : 0),
          asked_for_(file.offset + rows.first * row_bytes_) {}

    void read(Range rows, std::byte* out) override {
        const Index first = offset_ + rows.first * row_bytes_;
        const Index bytes = rows.size() * row_bytes_;
        ask_ahead_of(first + bytes);
        source_.read(first, {out, narrow<std::size_t>(bytes)});
    }

    void check_unchanged() const override { source_.check_unchanged(); }

  private:
    /// The system reads in the background what it is asked for, in pieces, for it takes no more
    /// than some of each.
    void ask_ahead_of(Index position) {
        const Index end = end_ - position > bytes_ahead ? position + bytes_ahead : end_;
        while (asked_for_ < end) {
            const Index piece = std::min(Index{1} << 20, end_ - asked_for_);
            static_cast<void>(
                ::posix_fadvise(source_.descriptor(), asked_for_, piece, POSIX_FADV_WILLNEED));
            asked_for_ += piece;
        }
    }

    SourceFile source_;
    Index row_bytes_;
    Index offset_;
    Index end_;        ///< of what is asked for
    Index asked_for_;  ///< the position up to which the system was asked to read ahead
};

/// Rows that come in bands, which may end elsewhere than what is asked for.
class BandedRows : public RowSource {
  public:
    BandedRows(const Manifest& manifest, const FeatureFile& file, Range rows, std::mutex& library)
        : manifest_(manifest),
          part_(file.part),
          row_bytes_(row_bytes_of(manifest)),
          rows_(rows),
          library_(library) {
        // What fails is closed before the library is free again.
        const std::lock_guard lock(library_);
        paralogit::data::check_unchanged(part_);
        h5::File open_file = h5::File::open(part_.path);
        h5::Dataset features = open_features(open_file, manifest_, part_, h5::ChunkCache::none);
        file_.emplace(std::move(open_file));
        dataset_.emplace(std::move(features));
    }
    ~BandedRows() override {
        const std::lock_guard lock(library_);
        dataset_.reset();
        file_.reset();
    }

    void read(Range rows, std::byte* out) override {
        while (rows.size() > 0) {
            if (rows.first < band_.first || rows.first >= band_.end) {
                band_ = band_from(rows.first);
                buffer_.reserve(band_.size() * row_bytes_);
                read_band(band_, buffer_.data());
            }
            const Index count = std::min(rows.end, band_.end) - rows.first;
            std::memcpy(out, buffer_.data() + (rows.first - band_.first) * row_bytes_,
                        narrow<std::size_t>(count * row_bytes_));
            out += count * row_bytes_;
            rows.first += count;
        }
    }

    void check_unchanged() const override { paralogit::data::check_unchanged(part_); }

  protected:
    /// The band that begins at a row.
    virtual Range band_from(Index row) const = 0;
    virtual void read_band(Range band, std::byte* out) = 0;

    const Manifest& manifest() const { return manifest_; }
    const h5::Dataset& dataset() const { return *dataset_; }
    Range rows() const { return rows_; }
    std::mutex& library() const { return library_; }

  private:
    const Manifest& manifest_;
    FilePart part_;
    Index row_bytes_;
    Range rows_;
    std::mutex& library_;
    std::optional<h5::File> file_;
    std::optional<h5::Dataset> dataset_;
    Range band_;
    Buffer buffer_;
};

/// A band is a row of chunks. This thread decodes; the library only fetches.
class ChunkedRows : public BandedRows {
  public:
    ChunkedRows(const Manifest& manifest, const FeatureFile& file, Range rows, std::mutex& library,
                TraceLane* lane)
        : BandedRows(manifest, file, rows, library), lane_(lane) {
        const std::lock_guard lock(library);
        chunks_ = dataset().chunks();
        if (!chunks_) {
            fail_changed(file.part, file.part.features_path + " is stored in another way");
        }
    }
    ~ChunkedRows() override {
        const std::lock_guard lock(library());
        chunks_.reset();
    }

  private:
    Range band_from(Index row) const override {
        const Index length = chunks_->rows_per_chunk();
        const Index rest = length - row % length;
        return {.first = row, .end = row + std::min(rest, rows().end - row)};
    }

    void read_band(Range band, std::byte* out) override {
        const Index across = chunks_->chunks_per_row();
        const Index first = band.first / chunks_->rows_per_chunk() * across;
        for (Index number = first; number < first + across; ++number) {
            std::uint32_t skipped_filters = 0;
            Index bytes = 0;
            {
                const std::lock_guard lock(library());
                bytes = chunks_->stored_bytes(number);
                stored_.reserve(bytes);
                skipped_filters =
                    chunks_->read_stored(number, {stored_.data(), narrow<std::size_t>(bytes)});
            }
            const TraceSpan span(lane_, "decode");
            chunks_->decode(number, {stored_.data(), narrow<std::size_t>(bytes)}, skipped_filters,
                            band, out, scratch_);
        }
    }

    std::optional<h5::ChunkReader> chunks_;
    Buffer stored_;
    h5::ChunkScratch scratch_;
    TraceLane* lane_;
};

/// The library reads and converts, for one thread after the other.
class LibraryRows : public BandedRows {
  public:
    using BandedRows::BandedRows;

  private:
    Range band_from(Index row) const override {
        return {.first = row,
                .end = end_of_band(dataset().info(), manifest().is_transposed, row, rows().end,
                                   narrow_band_bytes)};
    }

    void read_band(Range band, std::byte* out) override {
        const std::lock_guard lock(library());
        if (manifest().is_transposed) {
            read_transposed_features(dataset(), band, out);
        } else {
            read_features(dataset(), band, out);
        }
    }
};

}  // namespace

h5::Dataset open_features(const h5::File& file, const Manifest& manifest, const FilePart& part,
                          h5::ChunkCache cache) {
    h5::Dataset dataset = file.dataset(part.features_path, cache);
    const h5::DatasetInfo& info = dataset.info();
    const bool has_rank = manifest.is_transposed ? info.shape.size() == 2 : !info.shape.empty();
    const bool is_same =
        has_rank && info.element_type == manifest.type &&
        (manifest.is_transposed
             ? info.shape[1] == part.rows && info.shape[0] == manifest.features
             : info.rows() == part.rows && info.values_per_row() == manifest.features);
    if (!is_same) {
        fail_changed(part, part.features_path + " has another shape or type");
    }
    return dataset;
}

FeatureLayout layout_of(const h5::Dataset& features, bool is_transposed) {
    if (is_transposed) {
        return FeatureLayout::library;
    }
    if (features.info().file_offset) {
        return FeatureLayout::contiguous;
    }
    const std::optional<h5::ChunkReader> chunks = features.chunks();
    return chunks && chunks->chunk_bytes() <= ChunkLanes::largest_chunk_bytes
               ? FeatureLayout::chunked
               : FeatureLayout::library;
}

h5::ChunkCache cache_while_loading(const h5::DatasetInfo& info, bool is_transposed, Index rows,
                                   int threads) {
    constexpr Index few = 4;
    const Index chunk = info.chunk.empty() ? 1 : info.chunk.at(is_transposed ? 1 : 0);
    return chunk <= rows / threads / few ? h5::ChunkCache::none : h5::ChunkCache::one_row;
}

FeatureFile find_features(const Manifest& manifest, const FilePart& part, Index most_rows,
                          int threads) {
    check_unchanged(part);
    const h5::File file = h5::File::open(part.path);
    const h5::Dataset dataset = open_features(file, manifest, part);
    const h5::DatasetInfo& info = dataset.info();
    const Index row_bytes = row_bytes_of(manifest);
    FeatureFile found{.part = part, .layout = layout_of(dataset, manifest.is_transposed)};
    if (found.layout == FeatureLayout::contiguous) {
        found.offset = info.file_offset.value();
    } else if (found.layout == FeatureLayout::chunked) {
        const std::optional<h5::ChunkReader> chunks = dataset.chunks();
        // Of a chunk what is stored and what the filters leave twice, beside a row of chunks.
        const Index decoding = 3 * chunks->chunk_bytes();
        found.band_bytes = std::min(chunks->rows_per_chunk(), most_rows) * row_bytes + decoding;
        found.loading_bytes =
            std::min(ChunkLanes::round_bytes, most_rows * row_bytes) + threads * decoding;
    } else {
        const auto band_of = [&](Index bytes) {
            return row_bytes * end_of_band(info, manifest.is_transposed, 0, most_rows, bytes);
        };
        found.band_bytes = band_of(narrow_band_bytes);
        found.shared_bytes = h5::bytes_while_reading(info, h5::ChunkCache::none);
        found.loading_bytes = h5::bytes_while_reading(
            info, cache_while_loading(info, manifest.is_transposed, most_rows, threads));
        if (manifest.is_transposed) {
            found.band_bytes *= 2;
            found.loading_bytes += band_of(wide_band_bytes);
        }
    }
    return found;
}

std::unique_ptr<RowSource> open_rows(const Manifest& manifest, const FeatureFile& file, Range rows,
                                     Reading reading, std::mutex& library, TraceLane* lane) {
    switch (file.layout) {
        case FeatureLayout::contiguous:
            return std::make_unique<ContiguousRows>(manifest, file, rows, reading);
        case FeatureLayout::chunked:
            return std::make_unique<ChunkedRows>(manifest, file, rows, library, lane);
        default:
            return std::make_unique<LibraryRows>(manifest, file, rows, library);
    }
}

}  // namespace paralogit::data
