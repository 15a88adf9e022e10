#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>

#include "paralogit/base/trace.hpp"
#include "paralogit/data/manifest.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::data {

/// How the features of a file can be read.
enum class FeatureLayout {
    contiguous,  ///< straight from the file
    chunked,     ///< decoded around the HDF5 library
    library,     ///< through the HDF5 library, for what needs a conversion
};

/// Opens the features of a file and makes sure that they are those of the manifest, for a file can
/// also be another one on another machine. Throws Error (input_data).
h5::Dataset open_features(const h5::File& file, const Manifest& manifest, const FilePart& part,
                          h5::ChunkCache cache = h5::ChunkCache::one_row);

FeatureLayout layout_of(const h5::Dataset& features, bool is_transposed);

/// What of filtered chunks should stay in memory while threads load so many rows through the
/// library, each thread its own from the first to the last: a row of chunks where many of them
/// would be decoded for two threads.
h5::ChunkCache cache_while_loading(const h5::DatasetInfo& info, bool is_transposed, Index rows,
                                   int threads);

/// A file whose features are read pass after pass.
struct FeatureFile {
    FilePart part;
    FeatureLayout layout = FeatureLayout::library;
    Index offset = 0;  ///< of contiguous features in the file
    /// What reading takes beside its destination, at most: of each thread that reads pass after
    /// pass, for all of them together, and for all of them while all rows are loaded.
    Index band_bytes = 0;
    Index shared_bytes = 0;
    Index loading_bytes = 0;
};

/// Looks at a file of which `most_rows` rows in a row will be read at most, by so many threads.
/// Throws Error (input_data).
FeatureFile find_features(const Manifest& manifest, const FilePart& part, Index most_rows,
                          int threads = 1);

/// Whether rows are read one after the other, or here and there.
enum class Reading { all, some };

/// The features of one open file, for one thread, which reads rows in rising order.
class RowSource {
  public:
    virtual ~RowSource() = default;
    RowSource() = default;
    RowSource(const RowSource&) = delete;
    RowSource& operator=(const RowSource&) = delete;

    /// Reads rows counted within the file, row-major in their stored type. Throws Error
    /// (input_data).
    virtual void read(Range rows, std::byte* out) = 0;
    /// Where they are in memory as they are, until the next call; null where they have to be read.
    virtual const std::byte* view(Range /*rows*/) { return nullptr; }
    /// Throws Error (input_data) when the file was written to or cut since it was described.
    virtual void check_unchanged() const = 0;
};

/// Opens a file of which `rows` will be read, all or some of them. `library` is held while the HDF5
/// library works, which is made for one thread; it must outlive the source. Decoding is
/// noted in the lane, if there is one. Throws Error (input_data), also when the file is no longer
/// the one that was described.
std::unique_ptr<RowSource> open_rows(const Manifest& manifest, const FeatureFile& file, Range rows,
                                     Reading reading, std::mutex& library,
                                     TraceLane* lane = nullptr);

}  // namespace paralogit::data
