#pragma once

#include <span>
#include <string>

#include "paralogit/data/manifest.hpp"

namespace paralogit::data {

/// A file of the data set, open for reading beside the HDF5 library.
class SourceFile {
  public:
    /// Throws Error (input_data) when the file cannot be opened, or is not the one that was
    /// described.
    explicit SourceFile(const FilePart& part);
    ~SourceFile();
    SourceFile(SourceFile&& other) noexcept;
    SourceFile& operator=(SourceFile&& other) noexcept;

    const std::string& path() const { return part_.path; }
    int descriptor() const { return descriptor_; }

    /// Reads exactly these bytes; any thread. Throws Error (input_data), also when the file ends
    /// before.
    void read(Index offset, std::span<std::byte> out) const;

    /// Throws Error (input_data) when the open file was written to or cut since it was described,
    /// whatever became of its name.
    void check_unchanged() const;

  private:
    FilePart part_;
    int descriptor_ = -1;
};

/// The same by name: also when another file has taken its place, or none has.
void check_unchanged(const FilePart& part);

/// Calls action(), which reads of a file. Where that fails since the file is no longer the one that
/// was described, this is what is thrown: what the library meets in it may be anything.
template <typename Action>
void tell_change_first(const FilePart& part, const Action& action) {
    try {
        action();
    } catch (const Error&) {
        check_unchanged(part);
        throw;
    }
}

/// A file is another one than when it was described, as `what` tells. Throws Error (input_data).
[[noreturn]] void fail_changed(const FilePart& part, const std::string& what);

}  // namespace paralogit::data
