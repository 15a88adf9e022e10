#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "paralogit/base/trace.hpp"
#include "paralogit/comm/communicator.hpp"
#include "paralogit/model/isa.hpp"
#include "paralogit/train/memory.hpp"

namespace paralogit::train {

/// How a rank computes. No bit of any result depends on it.
struct Execution {
    int threads = 1;  ///< of this rank, >= 1
    model::Isa isa = model::best_isa();
    MemoryLimit memory = {};  ///< of this rank
    Trace* trace = nullptr;   ///< where it is noted what takes time; null: nowhere
};

/// Threads of at most `most` that there is work for: to wake and join them takes as long as some
/// ten thousand values.
inline int threads_worth(Index values, Index blocks, int most) {
    constexpr Index values_per_thread = Index{1} << 16U;
    const Index worth = std::min(values / values_per_thread, blocks);
    return static_cast<int>(std::clamp<Index>(worth, 1, std::max(most, 1)));
}

/// What the user says of it.
struct ExecutionRequest {
    /// Empty: what OMP_NUM_THREADS says, else an even share of the cores that this rank may use
    /// with the ranks of its host that may use the same ones.
    std::optional<int> threads;
    std::optional<model::Isa> isa;  ///< empty: the best that the machine has
    /// Bytes of each rank; empty: its share of what the system, the cgroup or SLURM allows.
    std::optional<Index> memory_limit;
};

/// An execution, and what should be said about it.
struct ExecutionChoice {
    Execution execution;
    /// On rank 0: hosts with more threads than cores, or with all ranks on one core.
    std::vector<std::string> warnings;
};

/// Throws Error (usage) for an instruction set that some machine does not have. @collective
ExecutionChoice choose_execution(const comm::Communicator& comm, const ExecutionRequest& request);

}  // namespace paralogit::train
