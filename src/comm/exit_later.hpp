#pragma once

#include <chrono>
#include <cstdlib>
#include <system_error>
#include <thread>

#include "paralogit/base/error.hpp"
#include "thread_without_signals.hpp"

namespace paralogit::comm {

/// Ends the process in some seconds, for one that is about to end and may get stuck on the way:
/// where nobody reads what it prints, or the way to mpirun is cut.
inline void exit_later(ExitCode code) {
    try {
        thread_without_signals([code] {
            std::this_thread::sleep_for(std::chrono::seconds(5));
            std::_Exit(static_cast<int>(code));
        }).detach();
    } catch (const std::system_error&) {
        // Without another thread it may take longer.
    }
}

}  // namespace paralogit::comm
