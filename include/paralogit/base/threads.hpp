#pragma once

#include <functional>
#include <vector>

#include "paralogit/base/types.hpp"

namespace paralogit {

/// Half-open range of rows, blocks, or anything else that is counted.
struct Range {
    Index first = 0;
    Index end = 0;

    Index size() const { return end - first; }
};

/// Part `part` of `parts` consecutive parts that differ in size by one at most; the longer ones
/// come first.
Range part_of(Range whole, int part, int parts);

/// Calls action(0) ... action(threads - 1), each on a thread of its own, and waits for all. Where
/// one thread is asked for, the caller's does the work. The same number of threads is the same
/// threads from one call to the next, so that memory stays near who touched it first. When actions
/// throw, the exception of the lowest number is thrown here. Not to be nested.
void run_threads(int threads, const std::function<void(int)>& action);

/// With how many threads this process can work at once, up to so many: the system may have a limit
/// (ulimit -u, pids.max of a cgroup), where OpenMP ends the process without a word of its own.
int threads_granted(int threads);

/// The numbers of the logical cores that this process may run on, rising.
std::vector<int> available_cores();

/// Whether OpenMP binds the threads of this process to cores, as OMP_PROC_BIND, OMP_PLACES and
/// GOMP_CPU_AFFINITY ask for: the same ones, in the same order, in each process that has the same.
bool are_threads_bound_by_openmp();

}  // namespace paralogit
