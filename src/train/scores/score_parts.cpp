#include "score_parts.hpp"

#include <algorithm>
#include <limits>

#include "paralogit/base/threads.hpp"

namespace paralogit::train {

namespace {

constexpr std::uint64_t largest_key = std::numeric_limits<std::uint64_t>::max();

/// For each border between two ranks: how many rows of all ranks lie below it.
std::vector<Index> rows_below_borders(Index rows, int ranks) {
    std::vector<Index> below;
    for (int rank = 1; rank < ranks; ++rank) {
        below.push_back(part_of({.first = 0, .end = rows}, rank, ranks).first);
    }
    return below;
}

/// For each border the smallest key up to which there are as many rows as shall lie below it.
std::vector<std::uint64_t> keys_of_borders(const comm::Communicator& comm,
                                           std::span<const Index> below,
                                           const CountUpTo& rows_up_to) {
    std::vector<std::uint64_t> keys(below.size(), 0);
    std::vector<Index> counts(below.size());
    for (std::uint64_t bit = std::uint64_t{1} << 63; bit != 0; bit >>= 1) {
        // Whether the bit is 0: are there enough rows with it at 0 and all behind it at 1?
        std::ranges::transform(keys, counts.begin(),
                               [&](std::uint64_t key) { return rows_up_to(key | (bit - 1)); });
        comm.sum(counts);
        for (std::size_t k = 0; k < keys.size(); ++k) {
            if (counts[k] < below[k]) {
                keys[k] |= bit;
            }
        }
    }
    return keys;
}

}  // namespace

Cuts cut_evenly(const comm::Communicator& comm, const CountUpTo& positives_up_to,
                const CountUpTo& negatives_up_to) {
    const Index own_positives = positives_up_to(largest_key);
    const Index own_negatives = negatives_up_to(largest_key);
    const std::vector<Index> below =
        rows_below_borders(comm.sum(own_positives + own_negatives), comm.size());
    const std::vector<std::uint64_t> keys = keys_of_borders(comm, below, [&](std::uint64_t key) {
        return positives_up_to(key) + negatives_up_to(key);
    });

    // Of the rows whose key is that of the border, some go below it: [borders] of this rank with a
    // lower key by class, then with the very key by class.
    const std::size_t borders = keys.size();
    std::vector<Index> lower(2 * borders);
    std::vector<Index> equal(2 * borders);
    for (std::size_t k = 0; k < borders; ++k) {
        // No key is 0, so there is one below.
        const std::uint64_t one_below = keys[k] == 0 ? 0 : keys[k] - 1;
        lower[k] = negatives_up_to(one_below);
        lower[borders + k] = positives_up_to(one_below);
        equal[k] = negatives_up_to(keys[k]) - lower[k];
        equal[borders + k] = positives_up_to(keys[k]) - lower[borders + k];
    }
    std::vector<Index> all_lower = lower;
    std::vector<Index> all_equal = equal;
    std::vector<Index> equal_on_lower_ranks = equal;
    comm.sum(all_lower);
    comm.sum(all_equal);
    comm.sum_of_lower_ranks(equal_on_lower_ranks);

    Cuts cuts{.positives = {0}, .negatives = {0}};
    for (std::size_t k = 0; k < borders; ++k) {
        const Index wanted = below[k] - all_lower[k] - all_lower[borders + k];
        const auto own_share = [&](std::size_t place, Index before) {
            return std::clamp(wanted - before - equal_on_lower_ranks[place], Index{0},
                              equal[place]);
        };
        cuts.negatives.push_back(lower[k] + own_share(k, 0));
        cuts.positives.push_back(lower[borders + k] + own_share(borders + k, all_equal[k]));
    }
    cuts.positives.push_back(own_positives);
    cuts.negatives.push_back(own_negatives);
    return cuts;
}

}  // namespace paralogit::train
