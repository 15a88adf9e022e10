#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "paralogit/comm/communicator.hpp"

namespace paralogit::train {

/// Where the time of a rank went.
struct PhaseSeconds {
    double startup = 0;
    double load = 0;
    double read = 0;        ///< of load: without waiting for other ranks
    double train = 0;       ///< from the first evaluation on; without checkpoints
    double compute = 0;     ///< of train: without messages and waiting for other ranks
    double kernel = 0;      ///< of train: on the rank's own blocks
    double curvature = 0;   ///< of train: Hessians, their products, evaluations of some of the rows
    double batches = 0;     ///< of train: on the rank's own rows of batches
    double allreduce = 0;   ///< of train: in the Allreduce of passes and batches, waiting included
    double validation = 0;  ///< of train: on validation rows
    double inference = 0;
    double diagnosis = 0;  ///< of the data, at the end
    double checkpoint = 0;
    double total = 0;
};

/// The phases by name, in the order in which they are shown.
struct Phase {
    const char* name;
    double PhaseSeconds::*seconds;
};
std::span<const Phase> phases();

struct RankTimes {
    std::string host;
    PhaseSeconds seconds;
};

/// Of all ranks, in their order. @collective
std::vector<RankTimes> gather_times(const comm::Communicator& comm, const PhaseSeconds& own);

/// The largest of each phase.
PhaseSeconds largest_of(std::span<const RankTimes> ranks);

/// How a phase took the ranks, of which there is at least one.
struct Spread {
    double smallest = 0;
    double median = 0;
    double largest = 0;
    int slowest_rank = 0;  ///< the first with the largest
};
Spread spread_of(std::span<const RankTimes> ranks, double PhaseSeconds::*phase);

/// The rank that kept the others waiting.
struct Imbalance {
    int rank = 0;
    double seconds = 0;         ///< that it computed
    double usual_seconds = 0;   ///< the median of the others
    double share_of_train = 0;  ///< that the usual rank waited for this one
};

/// Empty when that was less than a twentieth of the time of training, or too short to matter.
std::optional<Imbalance> find_imbalance(std::span<const RankTimes> ranks);

}  // namespace paralogit::train
