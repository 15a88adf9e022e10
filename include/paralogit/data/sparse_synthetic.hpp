#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "paralogit/base/types.hpp"
#include "paralogit/data/synthetic.hpp"

namespace paralogit::data {

/// How many entries the rows have: evenly spread around density * features, from half to one and a
/// half of it as far as there are so many features, and at least 1. The count of a row costs one
/// hash, so that any rank finds where its entries begin without making those before.
class EntryCounts {
  public:
    /// `options.density` is set, and in range.
    explicit EntryCounts(const SyntheticOptions& options);

    Index of_row(Index row) const;
    /// Of all of some rows.
    Index of_rows(Index first, Index end) const;
    /// No row has more.
    Index most() const;

  private:
    std::uint64_t seed_;
    Index features_;
    double mean_;
    double spread_;
};

/// Makes the rows of a sparse classification problem; row i is a function of (options, i) alone,
/// but not of the number of rows. Feature j is drawn with a probability that falls like
/// (j + 1)^-1.1, as words do in texts; a feature that a row has already is drawn anew. Values are
/// standard normals times the feature's scale, and the label follows from all of them by
/// coefficients on every feature. Memory: some numbers for each feature.
class SparseRowMaker {
  public:
    /// `options` passed check(), with a density.
    explicit SparseRowMaker(const SyntheticOptions& options);
    ~SparseRowMaker();
    SparseRowMaker(SparseRowMaker&&) noexcept;
    SparseRowMaker& operator=(SparseRowMaker&&) noexcept;

    /// Fills the features of a row's entries, rising, and the values in `options.type`, as many as
    /// EntryCounts says; returns the label, 0 or 1. Cost: some 80 ns an entry.
    std::uint8_t make_row(Index row, std::span<std::int32_t> columns, std::span<std::byte> values);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace paralogit::data
