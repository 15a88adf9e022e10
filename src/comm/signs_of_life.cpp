#include "signs_of_life.hpp"

#include <sys/resource.h>
#include <time.h>

namespace paralogit::comm {

namespace {

std::int64_t nanoseconds_of(clockid_t clock) {
    timespec time{};
    return clock_gettime(clock, &time) == 0
               ? time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec
               : 0;
}

/// Pages that came from files, and blocks that went to and from devices.
std::int64_t transfers_of_process() {
    rusage usage{};
    return getrusage(RUSAGE_SELF, &usage) == 0
               ? usage.ru_majflt + usage.ru_inblock + usage.ru_oublock
               : 0;
}

}  // namespace

void SignsOfLife::look(double seconds) {
    // A process that is stopped, or waits for a file system that does not answer, uses next to
    // nothing; the threads that libraries have in the background wake up for some microseconds.
    constexpr double least_share = 0.002;
    const std::int64_t cpu =
        nanoseconds_of(CLOCK_PROCESS_CPUTIME_ID) - nanoseconds_of(CLOCK_THREAD_CPUTIME_ID);
    const std::int64_t transfers = transfers_of_process();
    const bool has_computed =
        static_cast<double>(cpu - cpu_nanoseconds_) > least_share * 1e9 * seconds;
    const bool has_transferred = transfers != transfers_;
    idle_seconds_ = has_computed || has_transferred ? 0 : idle_seconds_ + seconds;
    cpu_nanoseconds_ = cpu;
    transfers_ = transfers;
}

}  // namespace paralogit::comm
