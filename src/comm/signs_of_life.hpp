#pragma once

#include <cstdint>

namespace paralogit::comm {

/// Whether this process does anything: computes, reads or writes. Looked at from time to time by a
/// thread, whose own work does not count.
class SignsOfLife {
  public:
    /// Time has passed since the last look, or since the construction.
    void look(double seconds);
    /// Since the process was last seen to do something.
    double idle_seconds() const { return idle_seconds_; }

  private:
    std::int64_t cpu_nanoseconds_ = 0;
    std::int64_t transfers_ = 0;
    double idle_seconds_ = 0;
};

}  // namespace paralogit::comm
