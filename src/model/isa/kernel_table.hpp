#pragma once

#include <cstddef>
#include <cstdint>

#include "paralogit/base/element_type.hpp"

// What crosses from code for the baseline to code for one instruction set. Plain structs and
// pointers: a template or an inline function of a library that both sides compiled would be merged
// by the linker, and the baseline could end up with the other side's instructions.

namespace paralogit::model {

/// A focal loss, as Loss has it; BCE unless `is_used`. What a kernel tells of slopes and curvatures
/// is these times the scale.
struct KernelFocal {
    bool is_used = false;
    double gamma = 0;
    double positive = 1;         ///< factor of rows of label 1
    double negative = 1;         ///< of label 0
    double slope_scale = 1;      ///< a power of two
    double curvature_scale = 1;  ///< a power of two
};

/// Rows of a block, as Block has them. No pointer but `values` needs to be set when it is not used.
struct KernelRows {
    ElementType type;
    const std::byte* values;  ///< [rows x features]
    std::int64_t rows;
    std::int64_t features;
    const std::uint8_t* hard;   ///< labels [rows], or null
    const double* soft;         ///< labels [rows], when `hard` is null
    const double* row_weights;  ///< [rows], or null when every weight is 1
    KernelFocal focal{};
};

/// A linear function of a row: x.coefficients + intercept.
struct LinearFunction {
    const double* coefficients;  ///< [features]
    double intercept;
};

struct EvaluateSums {
    double* slopes_times_features;  ///< [features]
    double slopes;
    double loss;
    std::int64_t rows_wrong;
};

struct KernelFrame {
    const double* origin;      ///< c [features]
    const double* unit;        ///< powers of two [features]
    const double* projection;  ///< [features]
};

struct ScanSums {
    double* absolute;            ///< sum s |x|                    [features]
    double* largest;             ///< max |x| where s > 0          [features]
    double* farthest;            ///< max sqrt(s) |x - c|          [features]
    double* deviations;          ///< sum s (x - c)                [features]
    double* squared_deviations;  ///< sum s ((x - c) unit)^2       [features]
    double* projections;         ///< x.projection, for each row   [rows]
};

/// Rows of a sparse block, as SparseBlock has them, or every so-manieth of them.
struct KernelSparseRows {
    KernelRows rows;  ///< `values` has an element for each entry
    const std::byte* indices;
    const std::int64_t* offsets;  ///< row i has the entries [offsets[step i], offsets[step i + 1])
    std::int64_t step;
    const double* give;  ///< of evaluated rows, or null: see at_rest in giving.hpp  [rows]
};

/// Where entries are added up (see ScatteredSums).
struct KernelScatter {
    std::int64_t* limbs;           ///< high and low of each feature, side by side, or high alone
    int limb_bits;                 ///< 1 for two a feature; 0 for one, of one scale for all
    const std::uint16_t* leading;  ///< the leading bits of each feature's scale, or null
    double scale;                  ///< of all features when `leading` is null
    double limit;                  ///< 2^W
    std::int64_t first_feature;    ///< only of features [first_feature, end_feature),
    std::int64_t end_feature;      ///< where fewer than all are wanted
    bool is_far;                   ///< whether many entries have limbs that are in no near cache
};

/// Sums in two bins (see BatchSums): of each of several features, or of one thing.
struct KernelBins {
    const double* first_shift;
    const double* second_shift;
    double* first;
    double* second;
};

/// Rows of a batch that are asked for before they are read, at most.
constexpr std::int64_t most_rows_ahead = 64;
/// Places behind those of a batch that the kernel looks at: of rows ahead, of two steps of 16, and
/// of what fills up the last eight.
constexpr std::int64_t places_ahead = most_rows_ahead + 2 * 16 + 8;

struct KernelPanel {
    const double* rows;        ///< [count x size]
    const double* curvatures;  ///< [count]
    std::int64_t count;
    std::int64_t size;
};

/// How rows become those of a rough panel.
struct KernelRoughFrame {
    const double* centre;  ///< [features]
    const double* factor;  ///< [features]
    const double* roots;   ///< [rows]
    bool has_intercept;
    std::int64_t stride;  ///< floats from one row to the next: more than features + 1
};

struct KernelRoughPanel {
    const float* rows;  ///< [count x stride]
    std::int64_t count;
    std::int64_t stride;  ///< a multiple of 8; the last eight of a row are 0
};

/// The kernels for one instruction set. All variants give the same bits.
struct KernelTable {
    /// `scratch` has kernel_scratch(features) doubles, here and below.
    void (*evaluate)(const KernelRows& rows, const LinearFunction& margin, double* scratch,
                     EvaluateSums& sums);
    void (*margins)(const KernelRows& rows, const LinearFunction& margin, double* scratch,
                    double* margins);
    /// sums.slopes_times_features and sums.slopes of the rows' curvatures times `direction`
    /// instead.
    void (*product)(const KernelRows& rows, const double* curvatures,
                    const LinearFunction& direction, double* scratch, EvaluateSums& sums);
    void (*scan)(const KernelRows& rows, const KernelFrame& frame, double* scratch, ScanSums& sums);
    /// Adds to `strip` [8 x size] the products of the features [first, first + 8) of the rows with
    /// their curvatures and with all features from `first` on; size and first are multiples of 8.
    /// `weighted` has room for 8 values of each row.
    void (*add_outer_strip)(const KernelPanel& panel, std::int64_t first, double* weighted,
                            double* strip);
    /// ((x_ij - centre_j) factor_j) root_i as floats to `to` [rows x stride], root_i where the
    /// intercept is, and zeros behind them; nothing but zeros where root_i is 0.
    void (*rough_rows)(const KernelRows& rows, const KernelRoughFrame& frame, double* scratch,
                       float* to);
    /// Adds to `strip` [8 x stride] the products of the features [first, first + 8) of the rows
    /// with all features from `first` on: floats, rounded once for each row, over runs of rows,
    /// which then are widened. What is added behind the last eight is of no use.
    void (*add_rough_strip)(const KernelRoughPanel& panel, std::int64_t first, double* strip);
    /// The margins' curvatures s p (1 - p), or the positive part of those of a focal loss, in
    /// place.
    void (*curvatures)(const KernelRows& rows, double* margins);
    /// Adds the two limbs of each value to high and low: with t = value * scale (given in two
    /// factors), the integers nearest to t and to (t - that) * limit. Returns false, and adds
    /// nothing, unless |t| < limit for all of them.
    bool (*add_limbs)(const double* values, const double* scale, const double* scale_rest,
                      double limit, std::int64_t count, std::int64_t* high, std::int64_t* low);
    bool (*add_limbs_of_one_scale)(const double* values, double scale, double limit,
                                   std::int64_t count, std::int64_t* high, std::int64_t* low);

    /// Adds rows of a batch to sums of features, slopes and losses. Row i lies at places[i], in
    /// memory that may be read to the end of the last group of eight features; behind those of the
    /// rows there are places_ahead more places, of rows that are read next or of any.
    void (*add_batch)(const KernelRows& rows, const std::byte* const* places,
                      const LinearFunction& margin, const KernelBins& features,
                      const KernelBins& slopes, const KernelBins& losses);
    /// The same for rows in groups of multiples of eight, each of which goes up to row
    /// group_ends[k]: what a group adds up to, for features row by row, is one term each. Eight
    /// rows lie side by side from each of the places on. `scratch` has room for whole groups of
    /// eight features and eight more.
    void (*add_groups)(const KernelRows& rows, const std::byte* const* eights,
                       const std::int64_t* group_ends, const LinearFunction& margin,
                       double* scratch, const KernelBins& features, const KernelBins& slopes,
                       const KernelBins& losses);
    /// The same as add_batch from the margins on, without the features.
    void (*batch_slopes)(const KernelRows& rows, double* margins, const KernelBins& slopes,
                         const KernelBins& losses);

    /// The rounds of a random order, for coordinates [count] of places (see RowOrder).
    void (*change_places)(std::uint64_t* l, std::uint64_t* r, std::int64_t count,
                          const std::uint64_t* keys, std::uint64_t tall, std::uint64_t wide);

    void (*sparse_margins)(const KernelSparseRows& rows, const LinearFunction& margin,
                           double* margins);
    /// The slopes times row weights, `factors` [rows], and all sums but those over features. Adds
    /// factors times entries to the limbs of `target`, unless it is null; returns false when one
    /// of these exceeds its bound, which leaves the limbs of no use.
    bool (*sparse_evaluate)(const KernelSparseRows& rows, const LinearFunction& margin,
                            const KernelScatter* target, double* factors, EvaluateSums& sums);
    /// The same with the factors curvature * x.direction * unit, `unit` a power of two.
    bool (*sparse_product)(const KernelSparseRows& rows, const double* curvatures,
                           const LinearFunction& direction, double unit,
                           const KernelScatter* target, double* factors, EvaluateSums& sums);
    /// Adds factors times entries to the limbs of the target's range of features.
    bool (*sparse_scatter)(const KernelSparseRows& rows, const double* factors,
                           const KernelScatter& target);
    /// Factors times squares of entries 2^-unit instead, `units` an exponent for each feature; to
    /// the limbs of all features.
    bool (*sparse_scatter_squares)(const KernelSparseRows& rows, const double* factors,
                                   const std::int16_t* units, const KernelScatter& target);
};

/// Doubles of scratch for rows of so many features.
std::int64_t kernel_scratch(std::int64_t features);

enum class Isa : std::uint8_t;
/// The kernels for an instruction set that this machine has.
const KernelTable& kernels_for(Isa isa);

const KernelTable& portable_kernels();
const KernelTable& avx2_kernels();
const KernelTable& avx512_kernels();

}  // namespace paralogit::model
