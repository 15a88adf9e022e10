#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "paralogit/base/error.hpp"
#include "paralogit/base/types.hpp"

namespace paralogit::h5 {

enum class ValueKind {
    integer,
    real,
    boolean,      ///< an enumeration of FALSE and TRUE, as h5py writes numpy.bool_
    enumeration,  ///< any other enumeration
    string,       ///< of fixed or variable length
    other,        ///< compound, reference, opaque, array, ...
};

/// What is known of a dataset without reading its values.
struct DatasetInfo {
    std::string path;  ///< absolute: "/train/X"
    std::vector<Index> shape;
    ValueKind kind = ValueKind::other;
    /// In what type numbers are held in memory: the stored one in the byte order of the machine;
    /// for odd sizes the next larger one; float64 for floats wider than that. Empty for strings and
    /// others.
    std::optional<ElementType> element_type;
    std::string type_text;             ///< for people: "float64, big-endian"
    std::vector<Index> chunk;          ///< empty unless chunked
    std::vector<std::string> filters;  ///< for people: "deflate 9", "shuffle"
    std::vector<std::string> fields;   ///< of a compound type
    Index stored_bytes = 0;
    /// Where a contiguous dataset without conversion lies in the file; empty otherwise.
    std::optional<Index> file_offset;
    /// Why it cannot or must not be read: virtual, external storage, a filter that is missing,
    /// chunks that were never written, a shape far beyond what is stored. Empty when all is well.
    std::string problem;

    Index rows() const { return shape.empty() ? 0 : shape.front(); }
    /// Product of the dimensions after the first (1 for rank 1). Throws Error (input_data) beyond
    /// 63 bits.
    Index values_per_row() const;
};

/// Of chunks that passed filters, how many stay in memory as they were decoded: a row of them, so
/// that neighbouring bands decode none twice, or none where each is decoded once in any case. Every
/// dataset that is open more than once at a time must be opened in one way.
enum class ChunkCache { one_row, none };

/// What the library takes beside the destination, beyond a megabyte, while it reads a dataset that
/// is opened so: its cache, and of one chunk what is stored and what the filters leave. 0 without
/// filters, for then it reads only what is asked for.
Index bytes_while_reading(const DatasetInfo& info, ChunkCache cache);

/// A link that was found but not followed.
struct SkippedLink {
    std::string path;
    std::string reason;  ///< "external link to other.h5:/X", "soft link to /X", "damaged group"
    /// The absolute path that a soft link leads to, whether anything is there or not; of a group
    /// that is listed elsewhere its path there.
    std::string target = "";
    /// A group that is listed elsewhere, or lies too deep.
    bool is_known_group = false;
};

struct Listing {
    std::vector<DatasetInfo> datasets;
    std::vector<std::string> groups;
    std::vector<SkippedLink> skipped;
    bool is_complete = true;  ///< false when the walk stopped at its limit
};

class ChunkReader;

/// Whether a file begins as HDF5 files do; false also when it cannot be opened.
bool is_hdf5(const std::filesystem::path& path);

/// An open dataset. Lives no longer than its File.
class Dataset {
  public:
    const DatasetInfo& info() const { return info_; }

    /// Reads the hyperslab [first, first + count) (one entry per dimension), row-major, converted
    /// to `type`: rounded where it must be, but a value that `type` cannot hold is an error. `out`
    /// has exactly the bytes. Throws Error that names file and dataset, also when a checksum is
    /// wrong or the file became shorter since it was opened.
    void read(std::span<const Index> first, std::span<const Index> count, ElementType type,
              std::span<std::byte> out) const;

    /// Entries [first, first + count) of a dataset seen as one long vector (all dimensions but one
    /// are 1, or a scalar), as doubles. For numbers, booleans and enumerations (their
    /// stored integers).
    std::vector<double> read_doubles(Index first, Index count) const;
    /// The same for strings; an enumeration gives its names, a boolean "FALSE" and "TRUE".
    std::vector<std::string> read_strings(Index first, Index count) const;

    /// A way around the library's decoding (chunks.hpp); empty unless the values are chunked, have
    /// the layout of memory, and went through no other filters than deflate, shuffle and
    /// fletcher32.
    std::optional<ChunkReader> chunks() const;

    ~Dataset();
    Dataset(Dataset&&) noexcept;
    Dataset& operator=(Dataset&&) noexcept;

  private:
    friend class File;
    struct Impl;
    Dataset(DatasetInfo info, std::unique_ptr<Impl> impl);
    DatasetInfo info_;
    std::unique_ptr<Impl> impl_;
};

/// An HDF5 file opened for reading: read-only, without file locks. Only hard links are followed,
/// component by component, so nothing outside the file is ever opened. `code` is what errors carry:
/// input_data for data sets, model_file for models and checkpoints.
class File {
  public:
    /// Throws Error that tells apart: missing, no permission, a directory or other non-file, empty,
    /// not HDF5, truncated or damaged.
    static File open(const std::filesystem::path& path, ExitCode code = ExitCode::input_data);

    const std::filesystem::path& path() const;

    /// All datasets and groups, in the order of their names, to a limit of 10 000 objects.
    Listing list() const;

    /// Whether hard links lead to a dataset of that name. Where the dataset is of a compound type,
    /// "/table/field" names one field, here as below: it is described and read like a dataset of
    /// its own.
    bool has(const std::string& dataset) const;
    /// Throws Error when there is none, when it is a group, or when a link on its path leads away.
    DatasetInfo describe(const std::string& dataset) const;
    /// The same, and when DatasetInfo::problem is not empty.
    Dataset dataset(const std::string& name, ChunkCache cache = ChunkCache::one_row) const;

    /// Attributes of the root group: empty when there is none of that name. Throw Error when it is
    /// of another type or holds more than one value.
    std::optional<std::string> text_attribute(const std::string& name) const;
    std::optional<double> number_attribute(const std::string& name) const;
    std::optional<Index> integer_attribute(const std::string& name) const;
    /// Of all attributes of the root group, sorted.
    std::vector<std::string> attribute_names() const;

    /// Attributes of any group or dataset that hard links lead to: empty when there is no such
    /// object, no such attribute, or when it is of another class or has no value (of a text: more
    /// than one; of integers and numbers: more than 64). Integers are numbers too.
    std::optional<std::string> text_attribute_of(const std::string& object,
                                                 const std::string& name) const;
    std::vector<Index> integers_attribute_of(const std::string& object,
                                             const std::string& name) const;
    std::vector<double> numbers_attribute_of(const std::string& object,
                                             const std::string& name) const;
    /// All texts of an attribute, to a million; and the names of all attributes, sorted.
    std::vector<std::string> texts_attribute_of(const std::string& object,
                                                const std::string& name) const;
    std::vector<std::string> attribute_names_of(const std::string& object) const;

    /// The dimension scales of a dataset for one of its dimensions: absolute paths of datasets, as
    /// HDF5's own scales and netCDF-4's coordinates are attached. Empty when there are none.
    std::vector<std::string> scales_of(const std::string& dataset, std::size_t dimension) const;

    ~File();
    File(File&&) noexcept;
    File& operator=(File&&) noexcept;

  private:
    struct Impl;
    explicit File(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace paralogit::h5
