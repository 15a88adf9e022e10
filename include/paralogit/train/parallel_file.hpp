#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "paralogit/base/output_file.hpp"
#include "paralogit/comm/communicator.hpp"

namespace paralogit::train {

/// Throws Error (usage) when `target`, which the option names, exists and may not be replaced.
void check_target(const std::filesystem::path& target, bool may_replace,
                  std::string_view option = "--out");

/// One output file that all ranks write into, each its own byte range, and that appears under its
/// name only when all is written. The ranks must see the same file system.
class ParallelFile {
  public:
    /// Rank 0 makes the temporary file; `prepare` gives it its first content there. Throws Error
    /// (usage) when `target` exists and may not be replaced, Error (cannot_write). @collective
    ParallelFile(const comm::Communicator& comm, const std::filesystem::path& target,
                 bool may_replace, const std::function<void(const std::filesystem::path&)>& prepare,
                 std::string_view option = "--out");

    /// Not collective. Throws Error (cannot_write): call it inside comm::together.
    void write(Index offset, std::span<const std::byte> bytes) const;
    /// The same for many pieces; to be synced before commit(). Not collective.
    SharedFile open() const { return SharedFile(temporary_path_, target_); }

    /// To be called when every rank is done. @collective
    void commit();

  private:
    const comm::Communicator& comm_;
    std::unique_ptr<OutputFile> file_;  ///< on rank 0
    std::filesystem::path target_;
    std::filesystem::path temporary_path_;
};

}  // namespace paralogit::train
