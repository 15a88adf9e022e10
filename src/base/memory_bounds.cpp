#include "paralogit/base/memory_bounds.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <string_view>

namespace paralogit {

namespace {

constexpr Index mebibyte = Index{1} << 20;
/// Cgroups of version 1 write a number near 2^63 for "no limit".
constexpr Index unlimited = Index{1} << 60;

std::optional<Index> number_of(std::string_view text) {
    Index number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_whole = failure == std::errc() && end == text.data() + text.size();
    return is_whole && number > 0 && number < unlimited ? std::optional(number) : std::nullopt;
}

/// The first word of a file; "max" and whatever else is no number is no limit.
std::optional<Index> number_in(const std::filesystem::path& file) {
    std::ifstream stream(file);
    std::string word;
    stream >> word;
    return number_of(word);
}

void add_available(const std::filesystem::path& proc, std::vector<MemoryBound>& bounds) {
    std::ifstream meminfo(proc / "meminfo");
    std::string word;
    Index kibibytes = 0;
    while (meminfo >> word) {
        if (word == "MemAvailable:" && meminfo >> kibibytes) {
            bounds.push_back({.bytes = kibibytes * 1024,
                              .source = "the memory available on the host",
                              .shared_as = "host"});
            return;
        }
    }
}

/// The limits of a cgroup and of those above it. Inside a container the path is that of the host,
/// and what is mounted may be the own cgroup alone: then only the last one is there.
void add_cgroups(const std::filesystem::path& mount, const std::string& cgroup,
                 const std::string& file, std::vector<MemoryBound>& bounds) {
    std::string path = cgroup == "/" ? "" : cgroup;
    while (true) {
        if (const auto bytes = number_in(mount / ("." + path) / file)) {
            const std::string name = path.empty() ? "/" : path;
            bounds.push_back({.bytes = *bytes,
                              .source = "the memory limit of the cgroup " + name,
                              .shared_as = "cgroup " + name});
        }
        if (path.empty()) {
            return;
        }
        path.resize(path.rfind('/'));
    }
}

/// Lines of "number:controllers:path"; version 2 has the number 0 and no controllers.
void add_own_cgroups(const MemorySurroundings& surroundings, std::vector<MemoryBound>& bounds) {
    std::ifstream file(surroundings.proc / "self" / "cgroup");
    std::string line;
    while (std::getline(file, line)) {
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos ||
            second + 1 >= line.size() || line[second + 1] != '/') {
            continue;
        }
        const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
        const std::string path = line.substr(second + 1);
        if (controllers == ",,") {
            add_cgroups(surroundings.cgroups, path, "memory.max", bounds);
            // Where both versions are mounted.
            add_cgroups(surroundings.cgroups / "unified", path, "memory.max", bounds);
        } else if (controllers.find(",memory,") != std::string::npos) {
            add_cgroups(surroundings.cgroups / "memory", path, "memory.limit_in_bytes", bounds);
        }
    }
}

/// SLURM counts in MiB; a memory per node of 0 is all of it.
void add_slurm(const MemorySurroundings& surroundings, std::vector<MemoryBound>& bounds) {
    const auto value = [&](const char* name) -> std::optional<Index> {
        const char* const text = surroundings.variable ? surroundings.variable(name) : nullptr;
        return text == nullptr ? std::nullopt : number_of(text);
    };
    if (const auto per_node = value("SLURM_MEM_PER_NODE")) {
        bounds.push_back(
            {.bytes = *per_node * mebibyte, .source = "SLURM_MEM_PER_NODE", .shared_as = "host"});
    }
    if (const auto per_cpu = value("SLURM_MEM_PER_CPU")) {
        const auto cpus_of_task = value("SLURM_CPUS_PER_TASK");
        const auto cpus_of_node = value("SLURM_CPUS_ON_NODE");
        // Without either, one for each process.
        const bool is_shared = !cpus_of_task && cpus_of_node;
        bounds.push_back(
            {.bytes = *per_cpu * mebibyte * cpus_of_task.value_or(cpus_of_node.value_or(1)),
             .source = "SLURM_MEM_PER_CPU",
             .shared_as = is_shared ? "host" : ""});
    }
}

/// What the process may still take: of statm, in pages, the first number is its address space and
/// the sixth its data.
void add_process_limits(const MemorySurroundings& surroundings, std::vector<MemoryBound>& bounds) {
    std::ifstream statm(surroundings.proc / "self" / "statm");
    Index pages[6] = {};
    for (Index& each : pages) {
        statm >> each;
    }
    const Index page = ::sysconf(_SC_PAGESIZE);
    const auto add = [&](const std::optional<Index>& limit, Index used, const char* source) {
        if (limit && *limit < unlimited) {
            bounds.push_back(
                {.bytes = std::max<Index>(*limit - used, 0), .source = source, .shared_as = ""});
        }
    };
    // Each thread takes some address space for its stack and its heap, used or not.
    constexpr Index for_threads = Index{256} * mebibyte;
    add(surroundings.address_space_bytes, pages[0] * page + for_threads,
        "the limit of address space (ulimit -v)");
    add(surroundings.data_bytes, pages[5] * page, "the limit of data (ulimit -d)");
}

std::optional<Index> limit_of(int resource) {
    struct rlimit limit {};
    if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0 ||
        limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= static_cast<rlim_t>(unlimited)) {
        return std::nullopt;
    }
    return static_cast<Index>(limit.rlim_cur);
}

}  // namespace

MemorySurroundings MemorySurroundings::own() {
    MemorySurroundings surroundings;
    surroundings.variable = [](const char* name) { return std::getenv(name); };
    surroundings.address_space_bytes = limit_of(RLIMIT_AS);
    surroundings.data_bytes = limit_of(RLIMIT_DATA);
    return surroundings;
}

std::vector<MemoryBound> memory_bounds(const MemorySurroundings& surroundings) {
    std::vector<MemoryBound> bounds;
    add_available(surroundings.proc, bounds);
    add_own_cgroups(surroundings, bounds);
    add_slurm(surroundings, bounds);
    add_process_limits(surroundings, bounds);
    return bounds;
}

}  // namespace paralogit
