#pragma once

#include <memory>

namespace paralogit::comm {

/// From construction on SIGTERM, SIGUSR1, SIGUSR2, SIGINT and SIGHUP (unless it was ignored, as by
/// nohup) are noted instead of ending the process; the earlier handlers return at destruction. One
/// at a time per process: a second one throws Error (internal).
class StopSignals {
  public:
    StopSignals();
    ~StopSignals();
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;

    /// Whether this rank has got one since the construction. Another rank may not have: agree
    /// before acting on it.
    static bool is_noted();

    /// What the signal would have done to a process that does not listen: mostly ends it. For one
    /// that waits before there is anything to save.
    static void let_it_act();

  private:
    struct EarlierHandlers;
    std::unique_ptr<EarlierHandlers> earlier_;
};

}  // namespace paralogit::comm
