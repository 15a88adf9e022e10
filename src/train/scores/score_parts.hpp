#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "paralogit/comm/communicator.hpp"

namespace paralogit::train {

/// Where the sorted rows of this rank are cut so that rank r gets those from cut r to cut r + 1.
struct Cuts {
    std::vector<Index> positives;  ///< [ranks + 1]
    std::vector<Index> negatives;  ///< [ranks + 1]
};

/// How many rows of this rank have a key up to the given one.
using CountUpTo = std::function<Index(std::uint64_t key)>;

/// Cuts so that the parts of all ranks have as many rows as one another, to one. Rows of the same
/// score are handed out negatives first, then in the order of ranks. @collective: 64 sums of a
/// number for each rank, and a few more.
Cuts cut_evenly(const comm::Communicator& comm, const CountUpTo& positives_up_to,
                const CountUpTo& negatives_up_to);

}  // namespace paralogit::train
