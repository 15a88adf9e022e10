#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "paralogit/base/memory_bounds.hpp"
#include "paralogit/comm/communicator.hpp"
#include "paralogit/data/shard.hpp"

namespace paralogit::train {

/// What the rows of this rank and the vectors of the solver may take. The program itself and MPI
/// take some 50 MB beside it.
struct MemoryLimit {
    Index bytes = std::numeric_limits<Index>::max();
    std::string source;  ///< for people; empty without a limit
    /// Bytes of it that something else than the rows will need, by rows and features of the data.
    std::function<Index(Index rows, Index features)> also_needed;
};

/// What the user says, or else this rank's share of the narrowest of `bounds`, less a reserve for
/// the program and for what the system takes. Bounds that ranks of one host share are divided among
/// them. @collective
MemoryLimit choose_memory_limit(const comm::Communicator& comm, const std::optional<Index>& wanted,
                                const std::vector<MemoryBound>& bounds);

/// Which part of the features stays in the files; the same on all ranks.
struct MemoryPlan {
    Index limit_bytes = 0;             ///< the lowest of any rank
    std::string limit_source;          ///< of rank 0
    Index global_bytes = 0;            ///< of features
    Index global_streamed_bytes = 0;   ///< of these, read from files in each pass
    Index largest_streamed_bytes = 0;  ///< of any rank

    bool is_streamed() const { return global_streamed_bytes > 0; }
};

/// Decides how an empty shard is to be held, before the first of its bytes is read. Throws Error
/// (input_data) when the limit is too low even for streaming, or for labels and vectors.
/// @collective
MemoryPlan plan_memory(const comm::Communicator& comm, const data::Manifest& manifest,
                       const data::ShardPlan& plan, const MemoryLimit& limit, int threads,
                       data::Shard& shard);

/// "2.0 GB", "13 MB"
std::string bytes_text(Index bytes);

}  // namespace paralogit::train
