#pragma once

#include <functional>

#include "paralogit/data/shard_walk.hpp"

namespace paralogit::train {

/// Is shown each block of a pass by the thread whose block it is, while the block is near. May
/// throw, which fails the pass.
using BlockVisitor = std::function<void(int thread, const data::ShardWalk& walk)>;

}  // namespace paralogit::train
