#pragma once

#include "paralogit/data/source_file.hpp"

namespace paralogit::data {

/// A part of a file in memory without a copy: the pages are the system's own, shared by all
/// processes of a host, and given back when memory is short. The file must not be cut or written to
/// meanwhile: see prepare_mappings and SourceFile::check_unchanged.
class MappedFile {
  public:
    MappedFile() = default;
    /// Maps `bytes` > 0 bytes from any `offset` on. Where the system cannot, is_mapped() is false.
    MappedFile(SourceFile file, Index offset, Index bytes);
    ~MappedFile();
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;

    bool is_mapped() const { return base_ != nullptr; }
    const std::byte* data() const { return data_; }
    Index size() const { return size_; }
    const SourceFile& file() const { return file_.value(); }

    /// Brings [first, first + bytes) into memory, all pages in one call instead of a fault for
    /// every few of them. Any thread; a part may be asked for more than once. Throws Error
    /// (input_data) when the file no longer has it.
    void populate(Index first, Index bytes) const;

    /// All of it will be asked for, in order.
    void read_in_order() const;

    /// What was brought in of [first, first + bytes) no longer counts as memory of the process; the
    /// system may keep it, and who looks at it again gets it again. Any thread.
    void release(Index first, Index bytes) const;

  private:
    std::optional<SourceFile> file_;
    std::byte* base_ = nullptr;  ///< on the border of a page
    const std::byte* data_ = nullptr;
    Index size_ = 0;
    int guard_ = -1;
};

/// The signal that a process gets when it reads where a mapped file was cut becomes a message that
/// names the file, and exit code 3 of the process. To be called once, by a program that loads data
/// sets, after anything else that handles SIGBUS; without it the signal ends the process.
void prepare_mappings();

}  // namespace paralogit::data
