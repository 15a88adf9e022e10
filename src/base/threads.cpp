#include "paralogit/base/threads.hpp"

#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <exception>
#include <latch>
#include <numeric>
#include <system_error>
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
    // Static, so that each thread has the same number in every call. Should OpenMP grant fewer
    // threads than asked for (OMP_THREAD_LIMIT), one of them does the work of several.
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

int threads_granted(int threads) {
    std::latch may_end(1);
    std::vector<std::jthread> others;
    try {
        while (std::ssize(others) + 1 < threads) {
            others.emplace_back([&] { may_end.wait(); });
        }
    } catch (const std::system_error&) {
        // What is counted is those before.
    }
    may_end.count_down();
    return static_cast<int>(std::ssize(others)) + 1;
}

namespace {

/// Of all places. The main thread itself was bound to the first one before main began.
std::vector<int> cores_of_openmp() {
    std::vector<int> cores;
    for (int place = 0; place < omp_get_num_places(); ++place) {
        std::vector<int> of_place(static_cast<std::size_t>(omp_get_place_num_procs(place)));
        omp_get_place_proc_ids(place, of_place.data());
        cores.insert(cores.end(), of_place.begin(), of_place.end());
    }
    std::ranges::sort(cores);
    const auto rest = std::ranges::unique(cores);
    cores.erase(rest.begin(), rest.end());
    return cores;
}

}  // namespace

bool are_threads_bound_by_openmp() {
    return omp_get_proc_bind() != omp_proc_bind_false && omp_get_num_places() > 0;
}

std::vector<int> available_cores() {
    if (are_threads_bound_by_openmp()) {
        return cores_of_openmp();
    }
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
