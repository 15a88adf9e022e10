#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "paralogit/base/memory_bounds.hpp"
#include "paralogit/comm/communicator.hpp"
#include "paralogit/data/shard.hpp"
#include "paralogit/train/row_use.hpp"

namespace paralogit::train {

/// For which rows a rank needs memory beside them.
struct RowsOfRank {
    const data::Manifest& manifest;
    Index own;       ///< how many
    Index features;  ///< that a model of them has coefficients of
    bool may_be_streamed = false;
};

/// What the rows of this rank and the vectors of the solver may take. The program itself and MPI
/// take some 50 MB beside it.
struct MemoryLimit {
    Index bytes = std::numeric_limits<Index>::max();
    std::string source;  ///< for people; empty without a limit
    /// Bytes of it that something else than the rows will need on this rank.
    std::function<Index(const RowsOfRank& rows)> also_needed;
    /// Whether features of sparse rows that have no entry are left out where that saves memory.
    bool leaves_out_unused = true;
    /// Bytes of it that are kept for other rows, which are loaded afterwards.
    Index set_aside_bytes = 0;
    /// Of the limit that the user gave, what rows that were loaded before take beside `bytes`, and
    /// whether these would take more of a larger one.
    Index taken_bytes = 0;
    bool is_taken_by_streamed = false;
    /// Options with which also_needed were less, in words; empty for none.
    std::function<std::string(const RowsOfRank& rows)> ways_to_need_less = {};
};

/// What the user says, or else this rank's share of the narrowest of `bounds`, less a reserve for
/// the program and for what the system takes. Bounds that ranks of one host share are divided among
/// them. @collective
MemoryLimit choose_memory_limit(const comm::Communicator& comm, const std::optional<Index>& wanted,
                                const std::vector<MemoryBound>& bounds);

/// Which part of the features stays in the files; the same on all ranks but for what is left.
struct MemoryPlan {
    Index limit_bytes = 0;             ///< the lowest of any rank
    std::string limit_source;          ///< of rank 0
    Index global_bytes = 0;            ///< of features
    Index global_streamed_bytes = 0;   ///< of these, read from files in each pass
    Index largest_streamed_bytes = 0;  ///< of any rank
    Index left_bytes = 0;              ///< of this rank's limit, with what was set aside

    bool is_streamed() const { return global_streamed_bytes > 0; }
};

/// Decides how an empty shard is to be held, before the first of its bytes is read; the rows that
/// `use` holds out will be copied into memory. Throws Error (input_data) when the limit is too low
/// even for streaming, or for labels and vectors. @collective
MemoryPlan plan_memory(const comm::Communicator& comm, const data::Manifest& manifest,
                       const data::ShardPlan& plan, const MemoryLimit& limit, int threads,
                       data::Shard& shard, const RowUse& use = {});

/// Takes `bytes` for `rows` of what is left of a rank's limit, beside what is set aside and, when
/// rows are sparse, vectors as long as all features. `what` they are, for people. Throws Error
/// (input_data) where there is no room. @collective
void take_of_what_is_left(const comm::Communicator& comm, const RowsOfRank& rows,
                          const MemoryLimit& limit, MemoryPlan& plan, Index bytes,
                          const std::string& what);

/// What to set aside for this rank's part of rows that are loaded after others: all that it takes
/// to hold them, but no more than a quarter of the limit. Not collective.
Index bytes_to_set_aside(const comm::Communicator& comm, const data::Manifest& manifest,
                         const MemoryLimit& limit);

/// The limit of rows that are loaded after those that were planned within `limit`.
MemoryLimit limit_of_what_is_left(const MemoryLimit& limit, const MemoryPlan& plan);

/// "2.0 GB", "13 MB"
std::string bytes_text(Index bytes);

}  // namespace paralogit::train
