#pragma once

#include <atomic>
#include <cstdint>

namespace paralogit::comm {

/// Counts the exchanges of a rank with the others: one step up where one begins, one where it ends,
/// so the count is odd inside. All ranks make the same exchanges in the same order, so the same
/// count means the same exchange. Another thread may look at it.
class Exchanges {
  public:
    std::uint64_t steps() const { return steps_.load(std::memory_order_relaxed); }

    /// Stands for one exchange, from its construction to its end.
    class Inside {
      public:
        explicit Inside(Exchanges& exchanges) : steps_(exchanges.steps_) { step(); }
        ~Inside() { step(); }
        Inside(const Inside&) = delete;
        Inside& operator=(const Inside&) = delete;

      private:
        /// One thread alone counts, so reading and writing need not be one operation.
        void step() {
            steps_.store(steps_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        }
        std::atomic<std::uint64_t>& steps_;
    };

  private:
    std::atomic<std::uint64_t> steps_ = 0;
};

}  // namespace paralogit::comm
