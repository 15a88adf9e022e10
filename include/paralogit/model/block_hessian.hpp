#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "paralogit/model/block.hpp"
#include "paralogit/model/isa.hpp"
#include "paralogit/model/loss.hpp"
#include "paralogit/model/sparse_block.hpp"

namespace paralogit::model {

/// The affine change of features in which a Hessian is wanted: x'_j = (x_j - centre_j) factor_j,
/// with |x'_j| <= 1 for every row of positive weight, of all features or of some, and an intercept
/// as one more feature that is always 1.
struct HessianFrame {
    /// The features that are wanted, in rising order; empty for all d of them.
    std::vector<Index> features{};
    Vector centre;  ///< of those that are wanted
    Vector factor;  ///< of those that are wanted; 0 for a feature to leave out
    bool has_intercept = true;

    Index dimension() const { return centre.size() + (has_intercept ? 1 : 0); }
    /// dimension() rounded up to whole groups of eight.
    Index padded_dimension() const { return (dimension() + 7) / 8 * 8; }
    /// Floats from one rough row to the next.
    Index rough_stride() const { return padded_dimension() + 8; }
};

/// Rows whose outer products with themselves, times their curvatures, add up to a Hessian: exact to
/// the rounding of doubles, or a rough one in half the time.
struct HessianPanel {
    std::vector<double> rows;        ///< x'_i, padded_dimension() each; unless it is rough
    std::vector<double> curvatures;  ///< c_i as block_curvatures tells them

    /// Set before rows are appended: makes the panel a rough one, with the bound that its sums
    /// have.
    std::optional<std::int32_t> rough_weight_exponent{};
    /// x'_i sqrt(c_i 2^-weight_exponent), rough_stride() each; zeros behind the intercept.
    std::vector<float> rough_rows{};

    /// Working memory, kept from block to block: chosen rows as they are stored, their weights and
    /// labels.
    struct Working {
        std::vector<std::byte> values;
        std::vector<double> weights;
        std::vector<std::uint8_t> labels;
        std::vector<double> soft_labels;
        std::vector<double> roots;
        std::vector<double> row;
        std::vector<double> scratch;
    };
    Working working{};

    /// The rows stay in memory until others overwrite them, or append_hessian_rows cuts them off.
    void clear() { curvatures.clear(); }
};

/// Appends the rows of a block that a thinning leaves (ThinnedRows) with their curvatures at the
/// margins of (w, b). A margin that is not finite makes a curvature that is not. Returns the sum of
/// the rows' weights, in increasing order. Cost: 8 d flops for each row.
double append_hessian_rows(const Block& block, Index thinning, std::span<const double> coefficients,
                           double intercept, const HessianFrame& frame, HessianPanel& panel,
                           Isa isa, const Loss& loss = Loss());
/// The same of sparse rows, which are widened to rows of the features that are wanted.
double append_hessian_rows(const SparseBlock& block, Index thinning,
                           std::span<const double> coefficients, double intercept,
                           const HessianFrame& frame, HessianPanel& panel, Isa isa,
                           const Loss& loss = Loss());

/// Sums over blocks of the outer products of their panels with themselves, as exact sums: the same
/// bits for any grouping. One strip of eight rows of the matrix at a time, so that threads can
/// share the work without a matrix each.
class HessianSums {
  public:
    /// `blocks` panels over all ranks, the weights of each with a sum below 2^weight_exponent.
    /// Memory: 8 bytes for each entry and limb, 16 in all, on and above the diagonal.
    HessianSums(Index padded_dimension, std::int32_t weight_exponent, Index blocks, Isa isa);

    Index strips() const { return size_ / strip_rows; }

    /// Adds the products of one block's panel to a strip, the rows in increasing order. `working`
    /// is memory that a thread keeps from one call to the next. Returns false when a sum is not
    /// finite or exceeds its bound. Different strips may be added to at the same time. Cost: 8 rows
    /// (size - 8 strip) multiply-adds.
    /// Of a rough panel half of that; its sums are added up in floats over runs of 128 rows. They
    /// err by 1e-5 sqrt(h_jj h_kk) at most, and mostly by less than a hundredth of that.
    [[nodiscard]] bool add(Index strip, const HessianPanel& panel, std::vector<double>& working) {
        return panel.rough_weight_exponent ? add_rough(strip, panel, working)
                                           : add(strip, panel.rows, panel.curvatures, working);
    }
    /// The same with any weights >= 0 of the rows in place of curvatures: those of one panel must
    /// add up to at most 2^(weight_exponent - 2).
    [[nodiscard]] bool add(Index strip, std::span<const double> rows,
                           std::span<const double> weights, std::vector<double>& working);

    /// Adds the sums of another of the same size and bounds.
    void add(const HessianSums& other);

    /// To be summed over ranks in place.
    std::span<std::int64_t> limbs() { return limbs_; }

    /// Entry (row, column), column >= row.
    double value(Index row, Index column) const;

    static constexpr Index strip_rows = 8;

  private:
    [[nodiscard]] bool add_rough(Index strip, const HessianPanel& panel,
                                 std::vector<double>& working);
    /// Adds a strip of sums [8 x stride] times 2^unit, the first `first` columns of which are of no
    /// use.
    [[nodiscard]] bool add_sums(Index strip, const double* sums, Index stride, int unit);
    /// Where the limbs of a strip begin: the high ones of its entries, then the low ones.
    std::size_t offset_of(Index strip) const;

    Index size_;
    int width_;
    std::int32_t exponent_;
    Isa isa_;
    std::vector<std::int64_t> limbs_;
};

}  // namespace paralogit::model
