#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "mpi_api.hpp"
#include "paralogit/base/trace.hpp"

namespace paralogit::comm {

/// Counts the exchanges of a rank with the others: one step up where one begins, one where it ends,
/// so the count is odd inside. All ranks make the same exchanges in the same order, so the same
/// count means the same exchange. Another thread may look at it. Times them, too.
class Exchanges {
  public:
    std::uint64_t steps() const { return steps_.load(std::memory_order_relaxed); }

    /// Of all exchanges so far.
    double seconds() const { return std::chrono::duration<double>(time_).count(); }

    /// Where exchanges are noted from now on; null: nowhere.
    void note_in(TraceLane* lane) { lane_ = lane; }

    /// Stands for one exchange, from its construction to its end.
    class Inside {
      public:
        /// `name` is that of what MPI does.
        Inside(Exchanges& exchanges, const char* name)
            : exchanges_(exchanges), name_(name), begin_(TraceEvent::Clock::now()) {
            step();
        }
        ~Inside() {
            step();
            const auto end = TraceEvent::Clock::now();
            exchanges_.time_ += end - begin_;
            if (exchanges_.lane_ != nullptr) {
                exchanges_.lane_->add({.name = name_, .begin = begin_, .end = end});
            }
        }
        Inside(const Inside&) = delete;
        Inside& operator=(const Inside&) = delete;

      private:
        /// One thread alone counts, so reading and writing need not be one operation.
        void step() { exchanges_.steps_.store(exchanges_.steps() + 1, std::memory_order_relaxed); }
        Exchanges& exchanges_;
        const char* name_;
        TraceEvent::Clock::time_point begin_;
    };

  private:
    std::atomic<std::uint64_t> steps_ = 0;
    TraceEvent::Clock::duration time_{};
    TraceLane* lane_ = nullptr;
};

/// What a communicator has for the watchdog.
struct WatchLine {
    Exchanges exchanges;
    /// For messages of the watchdog alone. It ends with the communicator, since after an error that
    /// all ranks share the watchdog cannot free it: only then do all ranks free it together, and
    /// MPI's own end has nothing left to clear away.
    MPI_Comm messages = MPI_COMM_NULL;
};

}  // namespace paralogit::comm
