#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "paralogit/base/types.hpp"

namespace paralogit::h5 {

/// Writes a new HDF5 file: newest format of the 1.10 series, every dataset but reserved ones with
/// checksums (fletcher32), no timestamps, so equal content gives equal bytes. Every return code is
/// checked; failures throw Error (cannot_write). Syncing and renaming are OutputFile's.
class Writer {
  public:
    /// Overwrites `path`. Errors name `target`, what a temporary file is going to be, when given.
    explicit Writer(const std::filesystem::path& path, const std::filesystem::path& target = {});
    /// Closes without checking when close() was not called.
    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    /// Missing groups on the path of a name are created. An empty `values` makes an empty dataset.
    void dataset(const std::string& name, std::span<const double> values);
    /// Row-major [rows x columns].
    void dataset(const std::string& name, std::span<const double> values, Index rows,
                 Index columns);
    void dataset(const std::string& name, std::span<const Index> values);
    void dataset(const std::string& name, std::span<const std::string> values);

    /// A contiguous dataset whose bytes are allocated but not written. Returns its offset in the
    /// file; after close() anyone may write there (write_at). No checksum.
    Index reserve(const std::string& name, ElementType type, std::span<const Index> shape);

    /// The same for texts of `length` bytes, each filled up with zeros.
    Index reserve_texts(const std::string& name, Index length, Index count);

    /// Attributes of a group or dataset that has been made: a text as it is common in Python
    /// (variable length), or integers.
    void annotate(const std::string& object, const std::string& name, const std::string& value);
    void annotate(const std::string& object, const std::string& name,
                  std::span<const Index> values);

    /// Attributes of the root group.
    void attribute(const std::string& name, const std::string& value);
    void attribute(const std::string& name, double value);
    void attribute(const std::string& name, Index value);

    /// Flushes and closes; to be called once, last.
    void close();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace paralogit::h5
