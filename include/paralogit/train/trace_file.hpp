#pragma once

#include <chrono>
#include <filesystem>

#include "paralogit/base/trace.hpp"
#include "paralogit/comm/communicator.hpp"

namespace paralogit::train {

/// What the ranks of a run do, noted from the construction of this on, and written in the end into
/// one file of the Trace Event format that Perfetto and chrome://tracing open: a process for each
/// rank, with its lanes as threads. All times count from the start of the first process, by the
/// clock of rank 0: clocks of other hosts are compared with it at barriers, in the beginning.
class TraceFile {
  public:
    struct Options {
        std::filesystem::path path;
        bool replaces = false;  ///< what is there already
        int threads = 1;        ///< of this rank
        std::chrono::steady_clock::time_point process_start;
        /// The run's, which is made later; the trace may lie there.
        std::filesystem::path run_directory = {};
    };

    /// Finds out whether the file can be written. Throws Error (usage, cannot_write). @collective
    TraceFile(const comm::Communicator& comm, const Options& options);
    /// Nothing is noted any more.
    ~TraceFile();
    TraceFile(const TraceFile&) = delete;
    TraceFile& operator=(const TraceFile&) = delete;

    /// For this rank to note what it does; messages are noted without asking.
    Trace* trace() { return &trace_; }

    /// Rank 0 gets the events of one rank after the other, 100 bytes for each. Throws Error
    /// (cannot_write). @collective
    void write();

  private:
    const comm::Communicator& comm_;
    std::filesystem::path path_;
    Trace trace_;
    std::chrono::steady_clock::time_point origin_;  ///< time 0 of the file by this host's clock
};

}  // namespace paralogit::train
