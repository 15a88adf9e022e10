#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "paralogit/base/types.hpp"

namespace paralogit {

/// Something that bounds the memory of this process.
struct MemoryBound {
    Index bytes = 0;
    std::string source;  ///< for people: "the cgroup /slurm/job_7"
    /// Processes of one host that have a bound of the same name share its bytes; empty for a bound
    /// of one process alone.
    std::string shared_as;
};

/// Where bounds are looked for; another place in tests.
struct MemorySurroundings {
    std::filesystem::path proc = "/proc";
    std::filesystem::path cgroups = "/sys/fs/cgroup";
    /// The value of an environment variable, or null.
    std::function<const char*(const char*)> variable;
    /// RLIMIT_AS and RLIMIT_DATA; empty: unlimited.
    std::optional<Index> address_space_bytes;
    std::optional<Index> data_bytes;

    /// Those of this process.
    static MemorySurroundings own();
};

/// What could be given to new allocations on this host; the memory of its cgroup and of those above
/// it, of version 1 and 2; what SLURM grants to the job on this host; limits of the process
/// (ulimit), less what it uses already. What is not there, or unlimited, is left out.
std::vector<MemoryBound> memory_bounds(const MemorySurroundings& surroundings);

}  // namespace paralogit
