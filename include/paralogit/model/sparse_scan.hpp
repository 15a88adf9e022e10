#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "paralogit/model/column_bounds.hpp"
#include "paralogit/model/column_scan.hpp"
#include "paralogit/model/exact_sum.hpp"
#include "paralogit/model/sparse_block.hpp"

namespace paralogit::model {

/// What one thread learns of rows beside their columns.
struct SparseTally {
    SparseTally(std::int32_t weight_exponent, Index blocks)
        : sums({weight_exponent, weight_exponent}, blocks) {}

    ExactSums sums;  ///< of s_i, of s_i y_i
    /// Modulo 2^64 the sum over rows of a hash of its entries that are not 0, s, y and the row's
    /// place in the data set: the same for any stored type and any blocks.
    std::uint64_t hash = 0;
    std::optional<ColumnScan::BadValue> bad_value;  ///< the first one
};

/// Gathers the bounds of the columns of sparse rows, block by block while the data is loaded. All
/// threads of a rank share one: an entry that raises no bound only reads.
class SparseScan {
  public:
    /// Memory: 2 bytes a feature, 4 with row weights.
    SparseScan(Index features, bool is_weighted, std::int32_t weight_exponent);

    /// Takes the block into account, whose row weights, and labels if any, are set. After a bad
    /// value the scan is of no use. May be called by several threads at a time, each with its own
    /// tally. Cost: reads the entries once.
    void add(const SparseBlock& block, SparseTally& tally);

    /// The exponents found so far; to be raised to the largest over ranks.
    std::vector<std::int16_t>& sum_exponents() {
        return is_weighted_ ? sum_exponents_ : value_exponents_;
    }
    std::vector<std::int16_t>& value_exponents() { return value_exponents_; }

    /// Which features have an entry, in a row of whatever weight.
    std::vector<bool> used_features() const;
    ColumnBounds take_bounds();

  private:
    static constexpr std::int16_t no_entry = -901;

    bool is_weighted_;
    std::int32_t weight_exponent_;
    std::vector<std::int16_t> value_exponents_;
    std::vector<std::int16_t> sum_exponents_;  ///< where they differ from those of the values
};

}  // namespace paralogit::model
