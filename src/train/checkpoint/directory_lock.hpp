#pragma once

#include <filesystem>

#include "paralogit/train/run_directory.hpp"

namespace paralogit::train {

/// An exclusive lock of the system (flock) on a file, which holds who has it: "host name, process
/// 4711". It ends with the process, also when that is killed.
class DirectoryLock {
  public:
    /// Creates the file when it is missing. Throws Error (cannot_write) when another process holds
    /// the lock.
    explicit DirectoryLock(const std::filesystem::path& file);
    ~DirectoryLock();
    DirectoryLock(const DirectoryLock&) = delete;
    DirectoryLock& operator=(const DirectoryLock&) = delete;

  private:
    int descriptor_;
};

}  // namespace paralogit::train
