#pragma once

#include "row_groups.hpp"
#include "slopes.hpp"

// Part of kernels.hpp: the sums of some rows picked out of all, which add up to the same bits in
// any order and any grouping (see BatchSums).

namespace paralogit::model {
namespace {

/// Sums in two bins: a term t adds to the first what it is rounded to as a multiple of the first
/// unit, and to the second the rest, rounded likewise. Adding and subtracting a shift of 1.5 2^52
/// units rounds to whole units.
struct ExactLanes {
    V first_shift;
    V second_shift;
    V first;
    V second;

    static ExactLanes of(const KernelBins& bins) {
        return {.first_shift = Lanes::all(bins.first_shift[0]),
                .second_shift = Lanes::all(bins.second_shift[0]),
                .first = Lanes::all(0.0),
                .second = Lanes::all(0.0)};
    }
    void add(V t) {
        const V whole = Lanes::sub(Lanes::add(t, first_shift), first_shift);
        const V rest = Lanes::sub(t, whole);
        first = Lanes::add(first, whole);
        second = Lanes::add(second, Lanes::sub(Lanes::add(rest, second_shift), second_shift));
    }
    /// Exact in any order.
    void store(const KernelBins& bins) const {
        double firsts[lanes];
        double seconds[lanes];
        Lanes::store(firsts, first);
        Lanes::store(seconds, second);
        for (Count l = 0; l < lanes; ++l) {
            bins.first[0] += firsts[l];
            bins.second[0] += seconds[l];
        }
    }
};

/// Slopes and losses of eight rows, whatever their weights.
struct SlopesAndLosses {
    V slope;
    V loss;
};

SlopesAndLosses slopes_and_losses(const KernelRows& rows, V margin, V label) {
    if (rows.focal.is_used) {
        const FocalTerms terms = focal_terms(rows, margin, label);
        return {.slope = Lanes::mul(terms.slope, Lanes::all(rows.focal.slope_scale)),
                .loss = terms.loss};
    }
    const Slopes<Lanes> of_rows = slopes_of<Lanes>(margin, label);
    return {.slope = of_rows.slope,
            .loss = Lanes::fnma(of_rows.against, of_rows.no_distance, log1p(of_rows.u))};
}

/// Turns margins [whole groups of eight] into weighted slopes; adds these and the weighted losses
/// to their sums.
void batch_slopes(const KernelRows& rows, double* margins, const KernelBins& slopes,
                  const KernelBins& losses) {
    ExactLanes slope_sums = ExactLanes::of(slopes);
    ExactLanes loss_sums = ExactLanes::of(losses);
    for (Count first = 0; first < rows.rows; first += lanes) {
        const Group group = group_at(rows, first);
        const V margin = margin_that_counts(Lanes::load(margins + first), group);
        const SlopesAndLosses of_rows = slopes_and_losses(rows, margin, group.label);
        const V slope = Lanes::mul(group.weight, of_rows.slope);
        Lanes::store(margins + first, slope);
        slope_sums.add(slope);
        loss_sums.add(Lanes::mul(group.weight, of_rows.loss));
    }
    slope_sums.store(slopes);
    loss_sums.store(losses);
}

/// Rows wherever each of them lies, in memory that may be read to the end of the last group of
/// eight features.
using RowPlaces = const std::byte* const*;

/// The sums of 8 count features from `feature` on. While they are at work, both sums lie on their
/// shifts: so an addition rounds to whole units by itself. Which way it rounds what is just between
/// two depends on the sum so far, but then the other half unit goes into the second bin, whole, and
/// the value of both bins is the same. In the second bin nothing is just between two units: what is
/// left of a product first gets an odd last bit, which is worth far less than half a unit.
/// With each row the memory is asked for as much of another, `ahead` of it: a few lines at a time,
/// for where many wait for the memory those that compute wait behind them.
template <int count, ElementType type>
void add_exact_tile(RowPlaces rows, Count rows_at_work, Count feature, Count ahead,
                    const double* factors, const KernelBins& bins) {
    constexpr Count lines_of_tile = count * bytes_of(type) / lanes;
    constexpr Count lines = lines_of_tile > 0 ? lines_of_tile : 1;
    // Of a long row no more than its beginning is asked for: the rest the machine foresees.
    constexpr Count most_bytes = 1024;
    const Count offset = feature * bytes_of(type);
    const RowPlaces next = offset < most_bytes ? rows + ahead : rows;
    // What lies behind the features of a row is read too, and may be in one more line.
    const Count last_byte = offset + count * lanes * bytes_of(type) - 1;
    V first[count];
    V second[count];
    for (int t = 0; t < count; ++t) {
        const Count at = feature + t * lanes;
        first[t] = Lanes::add(Lanes::load(bins.first_shift + at), Lanes::load(bins.first + at));
        second[t] = Lanes::add(Lanes::load(bins.second_shift + at), Lanes::load(bins.second + at));
    }
    for (Count i = 0; i < rows_at_work; ++i) {
        const std::byte* const row = rows[i] + feature * bytes_of(type);
        const V factor = Lanes::all(factors[i]);
        for (Count line = 0; line < lines; ++line) {
            __builtin_prefetch(next[i] + offset + line * line_bytes, 0, 3);
        }
        __builtin_prefetch(next[i] + last_byte, 0, 3);
        for (int t = 0; t < count; ++t) {
            const V x = Lanes::widen<type>(row + t * lanes * bytes_of(type));
            // The product itself is never rounded: only what is left of it below the first unit.
            const V sum = Lanes::fma(factor, x, first[t]);
            const V rest = Lanes::fma(factor, x, Lanes::sub(first[t], sum));
            first[t] = sum;
            second[t] = Lanes::add(second[t], Lanes::made_odd(rest));
        }
    }
    for (int t = 0; t < count; ++t) {
        const Count at = feature + t * lanes;
        Lanes::store(bins.first + at, Lanes::sub(first[t], Lanes::load(bins.first_shift + at)));
        Lanes::store(bins.second + at, Lanes::sub(second[t], Lanes::load(bins.second_shift + at)));
    }
}

/// Margins of rows wherever they lie, in the order of operations of Margins8.
template <ElementType type>
class MarginsOfPlaces {
  public:
    MarginsOfPlaces(const LinearFunction& f, Count features)
        : coefficients_(f.coefficients),
          whole_(whole_lanes(features)),
          intercept_(Lanes::all(f.intercept)),
          last_(load_some(f.coefficients + whole_, features - whole_)),
          has_rest_(features > whole_) {}

    /// Of eight rows.
    V operator()(RowPlaces rows) const {
        constexpr Count rows_at_once = Lanes::rows_at_once;
        V sums[lanes];
        for (Count begin = 0; begin < lanes; begin += rows_at_once) {
            V partial[rows_at_once];
            for (Count i = 0; i < rows_at_once; ++i) {
                partial[i] = Lanes::all(0.0);
            }
            for (Count j = 0; j < whole_; j += lanes) {
                const V w = Lanes::load(coefficients_ + j);
                for (Count i = 0; i < rows_at_once; ++i) {
                    partial[i] = Lanes::fma(
                        Lanes::widen<type>(rows[begin + i] + j * bytes_of(type)), w, partial[i]);
                }
            }
            if (has_rest_) {
                // What lies behind a row meets coefficients of 0.
                for (Count i = 0; i < rows_at_once; ++i) {
                    partial[i] =
                        Lanes::fma(Lanes::widen<type>(rows[begin + i] + whole_ * bytes_of(type)),
                                   last_, partial[i]);
                }
            }
            for (Count i = 0; i < rows_at_once; ++i) {
                sums[begin + i] = partial[i];
            }
        }
        return Lanes::add(Lanes::sums_of(sums), intercept_);
    }

  private:
    const double* coefficients_;
    Count whole_;
    V intercept_;
    V last_;  ///< coefficients of the features behind the last whole group of eight
    bool has_rest_;
};

/// How many rows are asked for before they are read: enough to keep the memory busy, and no more
/// than stay in the first-level cache meanwhile.
constexpr Count rows_to_ask_ahead(Count row_bytes) {
    constexpr Count most_bytes_ahead = 16384;
    const Count rows = whole_lanes(most_bytes_ahead / (row_bytes > 0 ? row_bytes : 1));
    return rows < lanes ? lanes : smaller_of(rows, most_rows_ahead);
}

/// Rows wherever they lie: `places` has, behind those of the rows, places_ahead more that are asked
/// for, the first of which fill up the last group of rows; any will do. Three steps are at work at
/// a time: margins, slopes, products.
template <ElementType type>
PARALOGIT_WHOLE_KERNEL void add_batch(const KernelRows& rows, RowPlaces places,
                                      const LinearFunction& f, const KernelBins& features,
                                      const KernelBins& slopes, const KernelBins& losses) {
    const Count row_bytes = rows.features * bytes_of(type);
    const Count padded = whole_lanes(rows.features + lanes - 1);
    const Count whole = whole_lanes(rows.rows + lanes - 1);
    const Count step = 2 * lanes * row_bytes > bytes_of_groups_in_cache / 3 ? lanes : step_rows;
    const MarginsOfPlaces<type> margins_of(f, rows.features);
    ExactLanes slope_sums = ExactLanes::of(slopes);
    ExactLanes loss_sums = ExactLanes::of(losses);
    constexpr int most = Lanes::features_at_once > 2 ? Lanes::features_at_once / 2 : 1;

    // Products come two steps behind margins.
    const Count ahead = rows_to_ask_ahead(row_bytes) + 2 * step;
    // Longer rows are begun to be asked for before the rest of them is: by measurement.
    constexpr Count long_row_bytes = 512;
    const Count asked_first = row_bytes >= long_row_bytes ? lanes : 0;
    for (Count i = 0; i < smaller_of(ahead, rows.rows); ++i) {
        __builtin_prefetch(places[i], 0, 3);
        __builtin_prefetch(places[i] + row_bytes / 2, 0, 3);
    }
    double values[3 * step_rows];
    double* values_ahead = values;  // margins, then slopes
    double* values_middle = values + step_rows;
    double* values_last = values + 2 * step_rows;
    for (Count at = 0; at < whole + 2 * step; at += step) {
        for (Count i = at; i < smaller_of(at + step, whole); i += lanes) {
            for (Count l = 0; l < asked_first; ++l) {
                __builtin_prefetch(places[i + rows_to_ask_ahead(row_bytes) + l], 0, 3);
            }
            Lanes::store(values_ahead + (i - at), margins_of(places + i));
        }
        for (Count i = at - step; i >= 0 && i < smaller_of(at, whole); i += lanes) {
            double* const values_of_group = values_middle + (i - (at - step));
            const Group group = group_at(rows, i);
            const V margin = margin_that_counts(Lanes::load(values_of_group), group);
            const SlopesAndLosses of_rows = slopes_and_losses(rows, margin, group.label);
            const V slope = Lanes::mul(group.weight, of_rows.slope);
            Lanes::store(values_of_group, slope);
            slope_sums.add(slope);
            loss_sums.add(Lanes::mul(group.weight, of_rows.loss));
        }
        if (const Count last = at - 2 * step; last >= 0) {
            const Count count = smaller_of(step, whole - last);
            for_each_tile<most>(0, padded, [&]<int width>(Width<width>, Count feature) {
                add_exact_tile<width, type>(places + last, count, feature, ahead, values_last,
                                            features);
            });
        }
        double* const used = values_last;
        values_last = values_middle;
        values_middle = values_ahead;
        values_ahead = used;
    }
    slope_sums.store(slopes);
    loss_sums.store(losses);
}

}  // namespace
}  // namespace paralogit::model
