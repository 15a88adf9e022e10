#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "paralogit/base/types.hpp"
#include "paralogit/model/score_key.hpp"

namespace paralogit::model {

/// Sorts by key, rising and stable, with as many threads: a radix sort from the last byte of the
/// keys to the first. `scratch` is at least as long; what it holds is lost. Cost: 8 times reading
/// both and writing once, less where all keys share a byte.
void sort_keys(std::span<std::uint64_t> rows, std::span<std::uint64_t> scratch, int threads);
void sort_keys(std::span<WeightedKey> rows, std::span<WeightedKey> scratch, int threads);

/// Makes one sorted sequence of sorted runs, run k of which is [starts[k], starts[k + 1]) of
/// `rows`; starts.back() is the length of all. The result is in `rows` or in `scratch`: returns
/// which. Equal keys stay in the order of the runs. Cost: log2(runs) times reading and writing.
std::span<std::uint64_t> merge_runs(std::span<std::uint64_t> rows, std::span<std::uint64_t> scratch,
                                    std::vector<Index> starts, int threads);
std::span<WeightedKey> merge_runs(std::span<WeightedKey> rows, std::span<WeightedKey> scratch,
                                  std::vector<Index> starts, int threads);

}  // namespace paralogit::model
