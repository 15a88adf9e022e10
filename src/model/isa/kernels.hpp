// The kernels, written once in terms of Lanes and compiled for each instruction set. Included by
// one source file for each, after its Lanes; everything in here has internal linkage and calls no
// function that has not.

#include "batch_kernel.hpp"
#include "group_kernel.hpp"
#include "order_kernel.hpp"
#include "rough_kernel.hpp"
#include "row_groups.hpp"
#include "row_parts.hpp"
#include "scan_kernel.hpp"
#include "slopes.hpp"
#include "sparse_kernel.hpp"
#include "sum_kernels.hpp"

namespace paralogit::model {
namespace {

/// Two chunks are at work at a time: one is read from memory for its margins, the one before it,
/// which is still in the cache, is added to the sums. So there is something to do for all parts of
/// the processor and for the memory. A third one in between, whose factors would be made meanwhile,
/// was tried: rows that wait longer for their second reading leave the cache before it.
///
/// Margins of so many rows and products of as many take turns, or all products follow where that
/// is a whole group: the memory, which brings what the margins ask for, is best kept busy by
/// margins of one to two kilobytes and an equal amount of other work in turn.
template <ElementType type, int turn_rows, typename ToFactors>
void add_in_steps(const KernelRows& block, const Margins8<type>& margins, double* scratch,
                  Products<type>& products, ToFactors& to_factors) {
    constexpr bool takes_turns = turn_rows < lanes;
    // Where the margins of small rows take less time than the lines that they read, half of these
    // are asked for while products are made.
    constexpr bool asks_twice = bytes_of(type) == 8 && !takes_turns;
    constexpr int lines_with_margins = bytes_of(type) / (asks_twice ? 2 : 1);
    const Count group_bytes = lanes * block.features * Chunk<type>::element_bytes;
    const Count asked_of_row = lines_with_margins * whole_lanes(block.features + lanes - 1);
    // What takes turns is a group at a time.
    const Count rows = takes_turns || 2 * group_bytes > bytes_of_step ? lanes : step_rows;
    ChunkWalk<type> walk(block, rows, scratch + 2 * step_rows);
    double* values = scratch;  // margins, then factors
    double* values_last = scratch + step_rows;
    Chunk<type> last;  // none yet
    while (walk.next()) {
        const Chunk<type>& chunk = walk.chunk();
        for (Count i = 0; i < chunk.rows; i += lanes) {
            const Chunk<type> group = chunk.group(i);
            const Ahead asked(chunk.values + bytes_ahead + i * asked_of_row);
            if (takes_turns && last.rows > 0) {
                const auto add_as_many = [&](Count begin) {
                    products.template add<false, turn_rows>(last.part(begin, turn_rows),
                                                            values_last + begin);
                };
                Lanes::store(values, margins.template in_turns<lines_with_margins, turn_rows>(
                                         group, asked, add_as_many));
            } else {
                Lanes::store(values + i,
                             margins.template operator()<lines_with_margins>(group, asked));
            }
        }
        if (!takes_turns) {
            products.template add<asks_twice>(
                last, values_last, Ahead(chunk.values + bytes_ahead + chunk.rows * asked_of_row));
        }
        to_factors(IsCounted<true>{}, walk.first(), walk.rows(), chunk, values);
        last = chunk;
        double* const used = values_last;
        values_last = values;
        values = used;
    }
    products.add(last, values_last);
}

/// One group at a time. While it is at work the memory brings the next one, half of it while
/// margins are made and half while products are.
template <ElementType type, typename ToFactors>
void add_by_groups(const KernelRows& block, const Margins8<type>& margins, double* scratch,
                   Products<type>& products, ToFactors& to_factors) {
    constexpr int half = (bytes_of(type) + 1) / 2;
    constexpr bool asks = bytes_of(type) > 1;
    constexpr bool is_wide_type = bytes_of(type) >= 4;
    constexpr int groups_of_lines = is_wide_type ? 2 : Lanes::features_at_once;
    const Count row_bytes = block.features * Chunk<type>::element_bytes;
    // Products of a line or two of each row at a time: faster by measurement, probably because
    // requests that come in bursts, as between those of wide tiles, are dropped where too many are
    // under way. No gain where the parts of most rows would begin within a line.
    const bool takes_lines = is_wide_type && row_bytes % (line_bytes / 2) == 0;
    ChunkWalk<type> walk(block, lanes, scratch + lanes);
    while (walk.next()) {
        const std::byte* const next = walk.chunk().values + lanes * row_bytes;
        Lanes::store(scratch, margins.template operator()<half>(walk.chunk(), Ahead(next)));
        to_factors(IsCounted<true>{}, walk.first(), walk.rows(), walk.chunk(), scratch);
        const Ahead rest(next + half * whole_lanes(block.features) * lanes);
        if (takes_lines) {
            products.template add<asks, lanes, groups_of_lines>(walk.chunk(), scratch, rest);
        } else {
            products.template add<asks>(walk.chunk(), scratch, rest);
        }
    }
}

/// Whether a group of rows stays in the first-level cache until its products are made.
constexpr bool are_near(Count row_bytes) {
    return lanes * row_bytes <= bytes_of_groups_in_cache / 3;
}

/// A copy of it at `coefficients`, where none of its vectors crosses a cache line: margins of few
/// rows read about as many coefficients as features.
LinearFunction line_by_line(const LinearFunction& f, Count features, double* coefficients) {
    for (Count j = 0; j < features; ++j) {
        coefficients[j] = f.coefficients[j];
    }
    return {.coefficients = coefficients, .intercept = f.intercept};
}

/// Turns rows into factors, and adds up the products of factors and features.
/// `to_factors(is_counted, first, rows, chunk, margins)` makes factors of the margins of a chunk.
template <ElementType type, typename ToFactors>
void add_products(const KernelRows& block, const LinearFunction& f, double* scratch, double* sums,
                  ToFactors&& to_factors) {
    const Count row_bytes = block.features * Chunk<type>::element_bytes;
    const Count padded = whole_lanes(block.features + lanes - 1);
    double* const padded_sums = aligned(scratch);
    double* const coefficients = padded_sums + padded;
    scratch = coefficients + padded;
    const LinearFunction own = line_by_line(f, block.features, coefficients);
    Products<type> products(padded_sums, block.features);
    const auto in_parts = [&]<int at_once, int of_part>(Width<at_once>, Width<of_part>) {
        const MarginsAndProducts<type> both(own, block.features, padded_sums);
        add_in_parts<type, at_once, of_part>(block, both, scratch, products, to_factors);
    };
    if (!takes_parts<type>(row_bytes, in_parts)) {
        constexpr Count least_bytes_in_turns = 192;
        constexpr int turn_rows = type == ElementType::float64 ? 4 : lanes;
        const Margins8<type> margins(own, block.features);
        if (!are_near(row_bytes)) {
            add_by_groups(block, margins, scratch, products, to_factors);
        } else if (row_bytes < least_bytes_in_turns) {
            add_in_steps<type, lanes>(block, margins, scratch, products, to_factors);
        } else {
            add_in_steps<type, turn_rows>(block, margins, scratch, products, to_factors);
        }
    }
    products.store(sums);
}

template <ElementType type>
PARALOGIT_WHOLE_KERNEL void evaluate(const KernelRows& block, const LinearFunction& margin,
                                     double* scratch, EvaluateSums& sums) {
    SlopeSums by_lane;
    by_lane.common = Lanes::all(largest_weight(block));
    add_products<type>(block, margin, scratch, sums.slopes_times_features,
                       [&]<bool is_counted>(IsCounted<is_counted>, Count first, Count rows,
                                            const Chunk<type>&, double* margins) {
                           if constexpr (is_counted) {
                               turn_into_slopes(block, first, rows, margins, by_lane);
                               if ((first + rows) % rows_of_product == 0) {
                                   by_lane.flush();
                               }
                           } else {
                               SlopeSums unused;
                               turn_into_slopes(block, first, rows, margins, unused);
                           }
                       });
    by_lane.flush();
    sums.slopes = sum_over_lanes(by_lane.slopes);
    sums.loss = sum_over_lanes(by_lane.linear) +
                (sum_over_lanes(by_lane.logs) + sum_over_lanes(by_lane.weighted_logs));
    sums.rows_wrong = by_lane.rows_wrong;
}

template <ElementType type>
PARALOGIT_WHOLE_KERNEL void margins(const KernelRows& block, const LinearFunction& margin,
                                    double* scratch, double* result) {
    const Margins8<type> margins_of(margin, block.features);
    ChunkWalk<type> walk(block, chunk_rows(block.features * Chunk<type>::element_bytes),
                         scratch + most_chunk_rows);
    while (walk.next()) {
        margins_of(walk.chunk(), scratch);
        for (Count i = 0; i < walk.rows(); ++i) {
            result[walk.first() + i] = scratch[i];
        }
    }
}

template <ElementType type>
PARALOGIT_WHOLE_KERNEL void product(const KernelRows& block, const double* curvatures,
                                    const LinearFunction& direction, double* scratch,
                                    EvaluateSums& sums) {
    V total = Lanes::all(0.0);
    add_products<type>(
        block, direction, scratch, sums.slopes_times_features,
        [&]<bool is_counted>(IsCounted<is_counted>, Count first, Count rows,
                             const Chunk<type>& chunk, double* margins) {
            for (Count i = 0; i < chunk.rows; i += lanes) {
                const double* const own = curvatures + first + i;
                const Count rest = rows - i;
                const V factor = Lanes::mul(
                    rest >= lanes ? Lanes::load(own) : load_some(own, rest),
                    margin_that_counts(Lanes::load(margins + i), group_at(block, first + i)));
                Lanes::store(margins + i, factor);
                if constexpr (is_counted) {
                    total = Lanes::add(total, factor);
                }
            }
        });
    sums.slopes = sum_over_lanes(total);
}

template <template <ElementType> class Kernel, typename... Arguments>
void by_type(ElementType type, Arguments&&... arguments) {
    using enum ElementType;
    switch (type) {
        case float16:
            return Kernel<float16>::run(arguments...);
        case float32:
            return Kernel<float32>::run(arguments...);
        case float64:
            return Kernel<float64>::run(arguments...);
        case int8:
            return Kernel<int8>::run(arguments...);
        case int16:
            return Kernel<int16>::run(arguments...);
        case int32:
            return Kernel<int32>::run(arguments...);
        case int64:
            return Kernel<int64>::run(arguments...);
        case uint8:
            return Kernel<uint8>::run(arguments...);
        case uint16:
            return Kernel<uint16>::run(arguments...);
        case uint32:
            return Kernel<uint32>::run(arguments...);
        case uint64:
            return Kernel<uint64>::run(arguments...);
    }
}

template <ElementType type>
struct Evaluate {
    static void run(const KernelRows& block, const LinearFunction& f, double* scratch,
                    EvaluateSums& sums) {
        evaluate<type>(block, f, scratch, sums);
    }
};
template <ElementType type>
struct Margins {
    static void run(const KernelRows& block, const LinearFunction& f, double* scratch,
                    double* result) {
        margins<type>(block, f, scratch, result);
    }
};
template <ElementType type>
struct Product {
    static void run(const KernelRows& block, const double* curvatures,
                    const LinearFunction& direction, double* scratch, EvaluateSums& sums) {
        product<type>(block, curvatures, direction, scratch, sums);
    }
};
template <ElementType type>
struct Scan {
    static void run(const KernelRows& block, const KernelFrame& frame, double* scratch,
                    ScanSums& sums) {
        scan<type>(block, frame, scratch, sums);
    }
};
template <ElementType type>
struct RoughRows {
    static void run(const KernelRows& block, const KernelRoughFrame& frame, double* scratch,
                    float* to) {
        rough_rows<type>(block, frame, scratch, to);
    }
};

template <ElementType type>
struct SparseMargins {
    static void run(const KernelSparseRows& block, const LinearFunction& f, double* result) {
        sparse_margins<type>(block, f, result);
    }
};
template <ElementType type>
struct SparseEvaluate {
    static void run(const KernelSparseRows& block, const LinearFunction& f,
                    const KernelScatter* target, double* factors, EvaluateSums& sums,
                    bool& is_within) {
        is_within = sparse_evaluate<type>(block, f, target, factors, sums);
    }
};
template <ElementType type>
struct SparseProduct {
    static void run(const KernelSparseRows& block, const double* curvatures,
                    const LinearFunction& direction, double unit, const KernelScatter* target,
                    double* factors, EvaluateSums& sums, bool& is_within) {
        is_within = sparse_product<type>(block, curvatures, direction, unit, target, factors, sums);
    }
};
template <ElementType type>
struct SparseScatter {
    static void run(const KernelSparseRows& block, const double* factors, const std::int16_t* units,
                    const KernelScatter& target, bool& is_within) {
        is_within = sparse_scatter<type>(block, factors, units, target);
    }
};

template <ElementType type>
struct AddBatch {
    static void run(const KernelRows& rows, const std::byte* const* places, const LinearFunction& f,
                    const KernelBins& features, const KernelBins& slopes,
                    const KernelBins& losses) {
        add_batch<type>(rows, places, f, features, slopes, losses);
    }
};
template <ElementType type>
struct AddGroups {
    static void run(const KernelRows& rows, const std::byte* const* eights,
                    const std::int64_t* group_ends, const LinearFunction& f, double* scratch,
                    const KernelBins& features, const KernelBins& slopes,
                    const KernelBins& losses) {
        add_groups<type>(rows, eights, group_ends, f, scratch, features, slopes, losses);
    }
};

/// The table of this instruction set.
constexpr KernelTable table{
    .evaluate = [](const KernelRows& block, const LinearFunction& f, double* scratch,
                   EvaluateSums& sums) { by_type<Evaluate>(block.type, block, f, scratch, sums); },
    .margins = [](const KernelRows& block, const LinearFunction& f, double* scratch,
                  double* result) { by_type<Margins>(block.type, block, f, scratch, result); },
    .product =
        [](const KernelRows& block, const double* curvatures, const LinearFunction& direction,
           double* scratch, EvaluateSums& sums) {
            by_type<Product>(block.type, block, curvatures, direction, scratch, sums);
        },
    .scan = [](const KernelRows& block, const KernelFrame& frame, double* scratch,
               ScanSums& sums) { by_type<Scan>(block.type, block, frame, scratch, sums); },
    .add_outer_strip = add_outer_strip,
    .rough_rows = [](const KernelRows& block, const KernelRoughFrame& frame, double* scratch,
                     float* to) { by_type<RoughRows>(block.type, block, frame, scratch, to); },
    .add_rough_strip = add_rough_strip,
    .curvatures = curvatures,
    .add_limbs = add_limbs,
    .add_limbs_of_one_scale = add_limbs_of_one_scale,
    .add_batch =
        [](const KernelRows& rows, const std::byte* const* places, const LinearFunction& f,
           const KernelBins& features, const KernelBins& slopes, const KernelBins& losses) {
            by_type<AddBatch>(rows.type, rows, places, f, features, slopes, losses);
        },
    .add_groups =
        [](const KernelRows& rows, const std::byte* const* eights, const std::int64_t* group_ends,
           const LinearFunction& f, double* scratch, const KernelBins& features,
           const KernelBins& slopes, const KernelBins& losses) {
            by_type<AddGroups>(rows.type, rows, eights, group_ends, f, scratch, features, slopes,
                               losses);
        },
    .batch_slopes = batch_slopes,
    .change_places = change_places,
    .sparse_margins =
        [](const KernelSparseRows& block, const LinearFunction& f, double* result) {
            by_type<SparseMargins>(block.rows.type, block, f, result);
        },
    .sparse_evaluate =
        [](const KernelSparseRows& block, const LinearFunction& f, const KernelScatter* target,
           double* factors, EvaluateSums& sums) {
            bool is_within = true;
            by_type<SparseEvaluate>(block.rows.type, block, f, target, factors, sums, is_within);
            return is_within;
        },
    .sparse_product =
        [](const KernelSparseRows& block, const double* curvatures, const LinearFunction& direction,
           double unit, const KernelScatter* target, double* factors, EvaluateSums& sums) {
            bool is_within = true;
            by_type<SparseProduct>(block.rows.type, block, curvatures, direction, unit, target,
                                   factors, sums, is_within);
            return is_within;
        },
    .sparse_scatter =
        [](const KernelSparseRows& block, const double* factors, const KernelScatter& target) {
            bool is_within = true;
            const std::int16_t* const no_units = nullptr;
            by_type<SparseScatter>(block.rows.type, block, factors, no_units, target, is_within);
            return is_within;
        },
    .sparse_scatter_squares =
        [](const KernelSparseRows& block, const double* factors, const std::int16_t* units,
           const KernelScatter& target) {
            bool is_within = true;
            by_type<SparseScatter>(block.rows.type, block, factors, units, target, is_within);
            return is_within;
        },
};

}  // namespace
}  // namespace paralogit::model