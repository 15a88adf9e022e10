#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "paralogit/base/error.hpp"

namespace paralogit {

/// A file that appears under its name only when it is whole: written under a temporary name in the
/// same directory, synced, renamed, directory synced. Every return code is checked; failures throw
/// Error (cannot_write) that names the file and the cause. Readers never see half a file; a crash
/// leaves at most the temporary one, whose name ends in ".tmp".
class OutputFile {
  public:
    /// Creates the temporary file, with a name that no other process uses.
    explicit OutputFile(const std::filesystem::path& target);
    /// Removes the temporary file unless it was committed.
    ~OutputFile();
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    /// Where the content lies until the commit.
    const std::filesystem::path& temporary_path() const { return temporary_; }

    void append(std::string_view text);

    /// Syncs the file, renames it to the target and syncs the directory.
    void commit() { commit_as(target_); }
    /// The same under a name in the target's directory that was not known before.
    void commit_as(const std::filesystem::path& target);

  private:
    std::filesystem::path target_;
    std::filesystem::path temporary_;
    int descriptor_ = -1;
};

/// From now on SIGTERM, SIGINT, SIGHUP (unless it is ignored, as by nohup), SIGUSR1 and SIGUSR2
/// remove the temporary files of this process, and say so, before they end it.
void remove_temporaries_on_signals();

/// An existing file that this process and others write into, each elsewhere. Throws Error
/// (cannot_write), which names `target`, what a temporary file is going to be, when given.
class SharedFile {
  public:
    explicit SharedFile(const std::filesystem::path& file,
                        const std::filesystem::path& target = {});
    ~SharedFile();
    SharedFile(const SharedFile&) = delete;
    SharedFile& operator=(const SharedFile&) = delete;

    /// Writes all bytes; any thread.
    void write(Index offset, std::span<const std::byte> bytes) const;
    /// What was written is on the disk then: to be called, once, before another process commits.
    void sync();

  private:
    std::filesystem::path shown_;
    int descriptor_ = -1;
};

/// Writes all bytes at an offset of a shared file, once.
void write_at(const std::filesystem::path& file, Index offset, std::span<const std::byte> bytes,
              const std::filesystem::path& target = {});

/// The whole content of a file. Throws Error with `code`.
std::string read_whole_file(const std::filesystem::path& file, ExitCode code);

}  // namespace paralogit
