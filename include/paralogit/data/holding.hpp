#pragma once

#include <optional>

#include "paralogit/data/shard.hpp"

namespace paralogit::data {

/// Decides which blocks of an empty shard will be held in memory when its features may take
/// `bytes`, all that is needed to read them included: all blocks; or the first ones, and the others
/// are read from their files in each pass, by walks of `threads` threads. Empty when that is done;
/// else the bytes that would be enough to hold none. Opens files only where the shard is near the
/// limit or beyond. Throws Error (input_data). Not collective.
std::optional<Index> hold_within(Index bytes, const Manifest& manifest, const ShardPlan& plan,
                                 Shard& shard, int threads);

/// Decides that no sparse row of an empty shard will be held, and that reading them in each pass
/// takes no more than `bytes`, by walks of `threads` threads. Empty when that is done; else the
/// bytes that would be enough. Opens files. Throws Error (input_data). Not collective.
std::optional<Index> hold_sparse_within(Index bytes, const Manifest& manifest,
                                        const ShardPlan& plan, Shard& shard, int threads);

}  // namespace paralogit::data
