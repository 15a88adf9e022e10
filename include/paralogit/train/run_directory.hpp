#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "paralogit/base/types.hpp"

namespace paralogit::train {

enum class ExistingRun {
    refuse,     ///< an output directory that exists and is not empty is an error (usage)
    overwrite,  ///< what an earlier run left in it is removed; a directory that holds anything that
                ///< no run writes is an error (usage)
    resume,     ///< it is kept
};

class DirectoryLock;

/// The output directory of a run. Made and used by rank 0 alone. While it lives it holds a lock on
/// the directory that the system releases when the process ends, however it ends; a second run in
/// the same directory gets an Error (cannot_write) that says who holds it. On a file system without
/// locks nothing keeps the second run out.
class RunDirectory {
  public:
    /// Makes the directory (parents too) with its `checkpoints` inside, and checks that it can be
    /// written to. What an earlier run left is still there. A directory with nothing but a free
    /// lock and no checkpoint counts as empty: a run that failed before its first iteration leaves
    /// that. What the run reads, the files of `inputs`, may not be among what it would replace.
    /// Throws Error (usage or cannot_write).
    RunDirectory(const std::filesystem::path& path, ExistingRun existing,
                 std::span<const std::string> inputs = {});
    /// Frees the lock. A directory that it made itself and that no run began to write in goes away
    /// again.
    ~RunDirectory();
    RunDirectory(const RunDirectory&) = delete;
    RunDirectory& operator=(const RunDirectory&) = delete;

    /// The run is about to write: removes what an earlier one left when it is to be overwritten,
    /// and the temporary files of a killed one in any case. Throws Error (cannot_write).
    void begin();

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
    std::filesystem::path model() const { return path_ / "model.h5"; }
    std::filesystem::path best_model() const { return path_ / "best_model.h5"; }
    std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
    std::filesystem::path summary() const { return path_ / "summary.json"; }
    std::filesystem::path inference_json() const { return path_ / "inference.json"; }
    std::filesystem::path inference_csv() const { return path_ / "inference.csv"; }
    std::filesystem::path config_used() const { return path_ / "config.used"; }

    /// Replaces a small text file of the directory as a whole.
    void write_text(const std::filesystem::path& file, std::string_view text) const;

    /// Keeps the lines of metrics.jsonl of iterations up to and including `iteration`, so that a
    /// resumed run appends without repeating itself. Torn lines are dropped.
    void keep_metrics_up_to(Index iteration) const;
    /// Appends one line, or several, to metrics.jsonl: all of it or nothing. Throws Error
    /// (cannot_write).
    void append_metrics(std::string_view line) const;

  private:
    void remove_if_temporary() const;

    std::filesystem::path path_;
    ExistingRun existing_;
    bool is_temporary_ = false;  ///< made here, and not yet written in
    std::unique_ptr<DirectoryLock> lock_;
};

}  // namespace paralogit::train
