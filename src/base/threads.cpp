#include "paralogit/base/threads.hpp"

#include <sched.h>

#include <algorithm>
#include <exception>
#include <numeric>
#include <thread>

namespace paralogit {

Range part_of(Range whole, int part, int parts) {
    const Index quotient = whole.size() / parts;
    const Index remainder = whole.size() % parts;
    const auto first_of = [&](Index p) {
        return whole.first + p * quotient + std::min(p, remainder);
    };
    return {.first = first_of(part), .end = first_of(Index{part} + 1)};
}

void run_threads(int threads, const std::function<void(int)>& action) {
    if (threads <= 1) {
        action(0);
        return;
    }
    std::vector<std::exception_ptr> caught(static_cast<std::size_t>(threads));
    // Static, so that each thread has the same number in every call. Should the system grant fewer
    // threads than asked for, one of them does the work of several.
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int thread = 0; thread < threads; ++thread) {
        try {
            action(thread);
        } catch (...) {
            caught[static_cast<std::size_t>(thread)] = std::current_exception();
        }
    }
    const auto first = std::ranges::find_if(caught, [](const auto& e) { return e != nullptr; });
    if (first != caught.end()) {
        std::rethrow_exception(*first);
    }
}

std::vector<int> available_cores() {
    std::vector<int> cores;
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
        for (int core = 0; core < CPU_SETSIZE; ++core) {
            if (CPU_ISSET(core, &allowed)) {
                cores.push_back(core);
            }
        }
    } else {
        // A machine with more cores than the set has room for.
        cores.resize(std::max(1U, std::thread::hardware_concurrency()));
        std::iota(cores.begin(), cores.end(), 0);
    }
    return cores;
}

}  // namespace paralogit
