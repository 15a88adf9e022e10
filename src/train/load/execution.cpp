#include "paralogit/train/execution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>
#include <ranges>
#include <set>
#include <string_view>

#include "paralogit/base/bytes.hpp"
#include "paralogit/base/threads.hpp"
#include "paralogit/comm/agreement.hpp"

namespace paralogit::train {

namespace {

/// Where a rank runs.
struct Place {
    std::string host;
    std::vector<int> cores;  ///< that it may use, rising
    bool is_bound_by_openmp = false;

    std::string to_bytes(int threads) const {
        ByteWriter bytes;
        bytes.put(host);
        bytes.put(threads);
        bytes.put(is_bound_by_openmp ? 1 : 0);
        bytes.put(static_cast<Index>(cores.size()));
        for (const int core : cores) {
            bytes.put(core);
        }
        return bytes.take();
    }
};

struct PlacedRank {
    Place place;
    int threads;

    static PlacedRank from_bytes(const std::string& bytes) {
        ByteReader reader(bytes);
        PlacedRank rank;
        rank.place.host = reader.text();
        rank.threads = reader.number<int>();
        rank.place.is_bound_by_openmp = reader.number<int>() != 0;
        rank.place.cores.resize(reader.count());
        for (int& core : rank.place.cores) {
            core = reader.number<int>();
        }
        return rank;
    }
};

std::vector<PlacedRank> all_places(const comm::Communicator& comm, const Place& own, int threads) {
    std::vector<PlacedRank> places;
    for (const std::string& bytes : comm.all_gather(own.to_bytes(threads))) {
        places.push_back(PlacedRank::from_bytes(bytes));
    }
    return places;
}

/// The first number of OMP_NUM_THREADS, which may list one for each level of nesting.
std::optional<int> threads_of_environment() {
    const char* const text = std::getenv("OMP_NUM_THREADS");
    if (text == nullptr) {
        return std::nullopt;
    }
    const std::string_view list(text);
    int threads = 0;
    const auto [end, failure] = std::from_chars(list.data(), list.data() + list.size(), threads);
    const bool ends_well = end == list.data() + list.size() || *end == ',';
    return failure == std::errc() && ends_well && threads > 0 ? std::optional(threads)
                                                              : std::nullopt;
}

/// Of the cores of this rank, when each rank with the same cores gets as many.
int share_of_cores(const Place& own, const std::vector<PlacedRank>& ranks) {
    const auto sharers = std::ranges::count_if(ranks, [&](const PlacedRank& rank) {
        return rank.place.host == own.host && rank.place.cores == own.cores;
    });
    return std::max(1, static_cast<int>(std::ssize(own.cores) / std::max<Index>(sharers, 1)));
}

std::vector<std::string> warnings_of(const std::vector<PlacedRank>& ranks) {
    struct Host {
        int ranks = 0;
        int threads = 0;
        std::set<int> cores;
        /// Those whose threads OpenMP binds to the first of these cores, and the next ones.
        std::map<std::vector<int>, int> bound_from;
    };
    std::map<std::string, Host> hosts;
    for (const PlacedRank& rank : ranks) {
        Host& host = hosts[rank.place.host];
        ++host.ranks;
        host.threads += rank.threads;
        host.cores.insert(rank.place.cores.begin(), rank.place.cores.end());
        host.bound_from[rank.place.cores] += rank.place.is_bound_by_openmp ? 1 : 0;
    }
    std::vector<std::string> warnings;
    for (const auto& [name, host] : hosts) {
        const int cores = static_cast<int>(host.cores.size());
        if (cores == 1 && host.ranks > 1) {
            warnings.push_back(fmt::format(
                "all {} ranks on {} are bound to one core; bind them to cores of their own "
                "(mpirun --bind-to core --map-by core, srun --cpu-bind=cores)",
                host.ranks, name));
        } else if (host.threads > cores) {
            warnings.push_back(fmt::format(
                "{} rank{} on {} {} {} threads for {} core{}; use fewer of them, or "
                "let the ranks use more cores (mpirun --bind-to none)",
                host.ranks, host.ranks == 1 ? "" : "s", name, host.ranks == 1 ? "has" : "have",
                host.threads, cores, cores == 1 ? "" : "s"));
        } else if (const int alike = std::ranges::max(host.bound_from | std::views::values);
                   alike > 1) {
            warnings.push_back(fmt::format(
                "OMP_PROC_BIND, OMP_PLACES or GOMP_CPU_AFFINITY binds the threads of {} ranks on "
                "{} "
                "to the same cores, and leaves others idle; unset it, or give each rank cores of "
                "its own (mpirun --map-by slot:PE=N, srun --cpus-per-task=N --cpu-bind=cores)",
                alike, name));
        }
    }
    return warnings;
}

model::Isa choose_isa(const std::optional<model::Isa>& wanted) {
    if (wanted && !model::is_supported(*wanted)) {
        throw Error(ExitCode::usage,
                    fmt::format("--isa {}: this machine, or this build, does not have it; choose "
                                "{}, or leave the choice to the program",
                                name_of(*wanted), name_of(model::best_isa())));
    }
    return wanted.value_or(model::best_isa());
}

void require_threads(int threads) {
    const int granted = threads_granted(threads);
    if (granted < threads) {
        throw Error(
            ExitCode::usage,
            fmt::format("{} threads are wanted, and the system lets this process have {} "
                        "(ulimit -u, or pids.max of its cgroup); give a smaller --threads, or "
                        "have the limit raised",
                        threads, granted));
    }
}

}  // namespace

ExecutionChoice choose_execution(const comm::Communicator& comm, const ExecutionRequest& request) {
    ExecutionChoice choice;
    choice.execution.isa = comm::together(comm, [&] { return choose_isa(request.isa); });

    choice.execution.memory =
        choose_memory_limit(comm, request.memory_limit, memory_bounds(MemorySurroundings::own()));

    const Place own{.host = comm::host_name(),
                    .cores = available_cores(),
                    .is_bound_by_openmp = are_threads_bound_by_openmp()};
    const std::optional<int> wanted = request.threads ? request.threads : threads_of_environment();
    // Who leaves the choice open has to know who shares its cores first.
    const std::vector<PlacedRank> places = all_places(comm, own, 0);
    choice.execution.threads = wanted.value_or(share_of_cores(own, places));
    comm::together(comm, [&] { require_threads(choice.execution.threads); });
    const std::vector<PlacedRank> ranks = all_places(comm, own, choice.execution.threads);
    if (comm.is_root()) {
        choice.warnings = warnings_of(ranks);
    }
    return choice;
}

}  // namespace paralogit::train
