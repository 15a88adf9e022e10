#pragma once

#include <array>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

#include "paralogit/data/mapped_file.hpp"

namespace paralogit::data {

/// Brings parts of a mapping in, in order, by threads of its own, of which each goes on with the
/// next part as long as it may: a disk so is never left without a request until all are there.
class PartsAhead {
  public:
    struct Part {
        Index end = 0;
        double speed = 0;  ///< at which it came, in bytes per second
    };

    /// From `begin` on. The mapping must outlive it; `end_of_part` says where a part ends, and is
    /// called by the threads, by one at a time.
    PartsAhead(const MappedFile& mapped, Index begin,
               std::function<Index(Index begin)> end_of_part);
    /// Waits for what is on its way.
    ~PartsAhead();
    PartsAhead(const PartsAhead&) = delete;
    PartsAhead& operator=(const PartsAhead&) = delete;

    /// Parts that begin before this position may be brought in.
    void allow(Index limit);
    /// Waits for the next part, which must be allowed. Throws Error (input_data) when the file no
    /// longer has it.
    Part take();
    /// What was begun, after which nothing is: to be called after the last take().
    Index stop();
    /// Whether parts are there, or on their way, that were not taken.
    bool is_empty();

  private:
    struct Entry {
        Part part;
        bool is_there = false;
        std::exception_ptr error;
    };

    void bring_all();

    const MappedFile& mapped_;
    std::function<Index(Index)> end_of_part_;
    std::mutex guard_;
    std::condition_variable has_changed_;
    std::deque<Entry> entries_;  ///< in order; those not taken
    Index next_;                 ///< begin of the next part
    Index limit_;
    bool is_stopping_ = false;
    std::array<std::jthread, 2> threads_;  ///< the last member: they use the others
};

}  // namespace paralogit::data
