#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "paralogit/model/block.hpp"
#include "paralogit/model/exact_sum.hpp"
#include "paralogit/model/isa.hpp"
#include "paralogit/model/sparse_block.hpp"

namespace paralogit::model {

/// What is fixed before the first block is scanned, a function of the data alone: where deviations
/// are counted from, and in what units. A poor choice costs another reading, not exactness.
struct ScanFrame {
    /// c_j, a value near the middle of the column  [d]
    Vector origin;
    /// u_j: |x_ij - c_j| is expected below 2^u_j  [d]
    std::vector<std::int32_t> units;
    /// The median of |x_ij - c_j| in the sample  [d]
    Vector usual_deviation = {};
    /// Exponent of the largest block sum of row weights.
    std::int32_t weight_exponent = 0;
    Index blocks = 1;       ///< of all ranks
    Index sample_rows = 0;  ///< that it was made from; 0 where no row has weight

    /// The frame of some of the rows [rows x d, row-major]: medians, and room for values 2^16 times
    /// farther from them than any of these. Rows of positive weight only, so that a constant column
    /// has its constant as origin.
    static ScanFrame of_sample(std::span<const double> rows, Index features,
                               std::int32_t weight_exponent, Index blocks);
};

/// What the exact sums, the standardisation, the fingerprint and the error messages need to know of
/// the columns: gathered in one reading, block by block, while the data is loaded. Scans of several
/// threads or ranks merge into the scan of all rows with the same bits.
class ColumnScan {
  public:
    explicit ColumnScan(const ScanFrame& frame, Isa isa = best_isa());

    /// Where the first value that is NaN or infinite lies.
    struct BadValue {
        Index global_row;
        Index feature;
        double value;
    };

    /// Takes the block into account, whose row weights, and labels if any, are set. Returns the
    /// first bad value in row order, if any; the scan is then of no use. Cost: b d elements read.
    std::optional<BadValue> add(const Block& block);

    void merge(const ColumnScan& other);

    /// Exponent e per feature with max over blocks of sum_i s_i |x_ij| < 2^(e-1): the last bit is
    /// slack for rounding, so that 2^e is above the block's computed sum_i r_i x_ij for any
    /// |r_i| <= s_i too; at least lowest_exponent.  [d]
    std::vector<std::int32_t> block_sum_exponents;
    /// Exponent e per feature with max |x_ij| < 2^e over the rows of positive weight; at least
    /// lowest_exponent.  [d]
    std::vector<std::int32_t> value_exponents;
    /// Exponent e per feature with max sqrt(s_i) |x_ij - c_j| < 2^e; no_deviation where all rows of
    /// positive weight have the value c_j.  [d]
    std::vector<std::int32_t> deviation_exponents;
    /// The sums: of s_i (x_ij - c_j) [d], of s_i ((x_ij - c_j) / 2^u_j)^2 [d], of s_i, of s_i y_i.
    ExactSums sums;
    /// Whether a sum exceeded the bound that the frame gave it: the sums are then of no use.
    bool has_left_frame = false;
    /// Modulo 2^64 the sum over rows of a hash of x.k, s, y and the row's place in the data set, k
    /// a fixed pseudo-random direction in the frame's units; the same for any stored type and any
    /// blocks. It sees what moves the rounded x.k: a change of about 1e-15 of its largest term.
    std::uint64_t hash = 0;

    const ScanFrame& frame() const { return frame_; }

    /// Features below 2^-900 are treated as if they were that large: what they lose lies below
    /// 2^-1000.
    static constexpr std::int32_t lowest_exponent = -900;
    static constexpr std::int32_t no_deviation = -2000;
    /// Sums with a larger exponent, slack included, have no room in double arithmetic: the caller
    /// refuses the data. A sum that overflows gets one.
    static constexpr std::int32_t highest_exponent = 1000;

  private:
    void add_sums(const Block& block);

    ScanFrame frame_;
    Isa isa_;
    std::vector<double> unit_factors_;  ///< 2^-u_j
    std::vector<double> projection_;    ///< k_j
    std::vector<double> scratch_;
    std::vector<double> column_sums_;  ///< of a block, five for each feature
    std::vector<double> row_sums_;     ///< x.k of each of its rows
};

/// Exponent of the block's sum of row weights, with slack as ColumnScan's.
std::int32_t weight_sum_exponent(std::span<const double> row_weights, Index rows);

/// The values of one row, widened to double: exactly, but for integers beyond 2^53, which are
/// rounded.
void widen_row(ElementType type, const std::byte* values, std::span<double> row);
/// The same of a row of a sparse block: zeros where it has no entry.
void widen_row(const SparseBlock& block, Index number, std::span<double> row);

}  // namespace paralogit::model
