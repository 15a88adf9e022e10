#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "paralogit/base/types.hpp"

namespace paralogit::model {

/// The order in which an epoch meets n rows: a permutation of [0, n) that is computed place by
/// place, without a table, from the number of rows, a seed and the number of the epoch alone.
///
/// Rows are points (l, r) of a grid of a x b >= n, a = ceil(sqrt n), b = ceil(n / a), row l b + r.
/// Six rounds i = 0..5 change one coordinate by a function of the other:
///     even i: l = (l + f_i(r) a / 2^32) mod a        odd i: r = (r + f_i(l) b / 2^32) mod b
/// with f_i(x) the upper 32 bits of a hash of 64, h = (x + key_i) c1; h ^= h >> 32; h c2, where
/// key_i comes of the seed, the epoch and i. What falls beyond n goes through the rounds again,
/// until it is a row: at most a points of the grid lie there (Black & Rogaway 2002, "Ciphers with
/// arbitrary finite domains"; the generalised Feistel cipher with cycle walking).
///
/// Rows may stay together in groups of some neighbours: then n is the number of whole groups, and
/// the rows behind the last one come at the end.
class RowOrder {
  public:
    /// A random order. 1 <= rows <= 2^62.
    RowOrder(Index rows, std::uint64_t seed, Index epoch, Index group = 1);
    /// The rows as they are.
    static RowOrder as_stored(Index rows);

    Index rows() const { return rows_; }

    Index group() const { return group_; }

    /// The rows at the places [first, first + out.size()). Cost: a few nanoseconds a row.
    void rows_at(Index first, std::span<Index> out) const;
    struct Run {
        Index first;
        Index rows;
    };
    /// The same of the places [first, end): what stays together as one, cut where the places are.
    void runs_at(Index first, Index end, std::vector<Run>& runs) const;
    /// Of rows that do not stay together: the inverse.
    Index place_of(Index row) const;

  private:
    static constexpr int rounds = 6;
    explicit RowOrder(Index rows) : rows_(rows) {}

    void groups_at(Index first, std::span<Index> out) const;
    template <typename Action>
    void for_each_run(Index first, Index end, Action&& action) const;

    Index rows_;
    Index group_ = 1;         ///< rows that stay together
    Index groups_ = 0;        ///< whole ones; 0 for the rows as they are
    std::uint64_t tall_ = 1;  ///< a
    std::uint64_t wide_ = 1;  ///< b
    std::array<std::uint64_t, rounds> keys_{};
};

}  // namespace paralogit::model
