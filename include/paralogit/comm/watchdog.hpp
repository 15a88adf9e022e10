#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <string>

#include "paralogit/comm/communicator.hpp"

namespace paralogit::comm {

struct StallLimits {
    double warn_seconds = 30;    ///< > 0; after so long in one exchange the late ranks are named
    double stall_seconds = 600;  ///< > 0; without a sign of life of a late rank the job has stalled

    static StallLimits never() {
        constexpr double infinity = std::numeric_limits<double>::infinity();
        return {.warn_seconds = infinity, .stall_seconds = infinity};
    }
};

/// Who is late, in words for the user, called on the lowest rank that is not late itself, from a
/// thread of the watchdog.
struct StallListener {
    std::function<void(const std::string&)> on_late;
    std::function<void(const std::string&)> on_stall;
};

/// MPI notices neither a process that is stopped nor a link that is cut: the other ranks wait for
/// ever. A thread on each rank looks now and then how long the rank has been in one exchange. After
/// warn_seconds the ranks that wait ask the others where they are, by messages of their own, and
/// the lowest of them tells who is late and what it does. A late rank that computes or reads gives
/// signs of life and may take as long as it likes; when one has given none for stall_seconds,
/// on_stall is called. Costs nothing while nobody is late: two stores to memory for each exchange,
/// and a look at a counter every second. With one rank there is nothing to watch.
class Watchdog {
  public:
    /// @collective
    Watchdog(const Communicator& comm, StallLimits limits, StallListener listener);
    /// Waits for the other ranks, unless an exception is on its way. @collective
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    /// From now on, for all ranks. @collective
    void change(StallLimits limits, StallListener listener);

  private:
    class Watch;
    const Communicator& comm_;
    std::unique_ptr<Watch> watch_;
};

/// A listener that prints to stderr, and ends all ranks with exit code 7 when the job has stalled,
/// with `advice` on what to do then, a sentence.
StallListener listener_that_ends_the_job(std::string advice);

}  // namespace paralogit::comm
