#pragma once

#include <algorithm>
#include <vector>

#include "paralogit/base/threads.hpp"

// Long vectors gone through by several threads. The chunks are a function of the length alone, so
// the bits of a sum do not depend on the threads.

namespace paralogit {

constexpr Index chunk_size = Index{1} << 14U;

/// Calls action(Range) for a part of [0, size) on each thread.
template <typename Action>
void in_parts(Index size, int threads, const Action& action) {
    run_threads(threads,
                [&](int thread) { action(part_of({.first = 0, .end = size}, thread, threads)); });
}

/// The sum of of_chunk(Range) over the chunks of [0, size), added up in their order.
template <typename OfChunk>
double sum_of_chunks(Index size, int threads, const OfChunk& of_chunk) {
    const Index chunks = (size + chunk_size - 1) / chunk_size;
    std::vector<double> sums(static_cast<std::size_t>(chunks));
    in_parts(chunks, threads, [&](Range own) {
        for (Index k = own.first; k < own.end; ++k) {
            sums[static_cast<std::size_t>(k)] = of_chunk(
                Range{.first = k * chunk_size, .end = std::min(size, (k + 1) * chunk_size)});
        }
    });
    double sum = 0;
    for (const double of_one : sums) {
        sum += of_one;
    }
    return sum;
}

}  // namespace paralogit
