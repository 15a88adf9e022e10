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

/// The sums of 8 count features from `feature` on. While they are at work, both sums lie on their
/// shifts: so an addition rounds to whole units by itself. Which way it rounds what is just between
/// two depends on the sum so far, but then the other half unit goes into the second bin, whole, and
/// the value of both bins is the same. In the second bin nothing is just between two units: what is
/// left of a product first gets an odd last bit, which is worth far less than half a unit.
template <int count, ElementType type>
void add_exact_tile(const Chunk<type>& chunk, Count feature, const double* factors,
                    const KernelBins& bins) {
    const Count row_bytes = chunk.features * chunk.element_bytes;
    V first[count];
    V second[count];
    for (int t = 0; t < count; ++t) {
        const Count at = feature + t * lanes;
        first[t] = Lanes::add(Lanes::load(bins.first_shift + at), Lanes::load(bins.first + at));
        second[t] = Lanes::add(Lanes::load(bins.second_shift + at), Lanes::load(bins.second + at));
    }
    const std::byte* row = chunk.at(0, feature);
    for (Count i = 0; i < chunk.rows; ++i) {
        const V factor = Lanes::all(factors[i]);
        for (int t = 0; t < count; ++t) {
            const V x = Lanes::widen<type>(row + t * lanes * chunk.element_bytes);
            // The product itself is never rounded: only what is left of it below the first unit.
            const V sum = Lanes::fma(factor, x, first[t]);
            const V rest = Lanes::fma(factor, x, Lanes::sub(first[t], sum));
            first[t] = sum;
            second[t] = Lanes::add(second[t], Lanes::made_odd(rest));
        }
        row += row_bytes;
    }
    for (int t = 0; t < count; ++t) {
        const Count at = feature + t * lanes;
        Lanes::store(bins.first + at, Lanes::sub(first[t], Lanes::load(bins.first_shift + at)));
        Lanes::store(bins.second + at, Lanes::sub(second[t], Lanes::load(bins.second_shift + at)));
    }
}

/// Rows that lie side by side, filled up with zeros to whole groups of eight and with one more
/// group behind them. `margins` has room for all of them.
template <ElementType type>
PARALOGIT_WHOLE_KERNEL void add_batch(const KernelRows& rows, const LinearFunction& f,
                                      double* margins, const KernelBins& features,
                                      const KernelBins& slopes, const KernelBins& losses) {
    const Margins8<type> margins_of(f, rows.features);
    const Chunk<type> chunk{.values = rows.values,
                            .rows = whole_lanes(rows.rows + lanes - 1),
                            .features = rows.features};
    margins_of(chunk, margins);
    batch_slopes(rows, margins, slopes, losses);
    constexpr int most = Lanes::features_at_once > 2 ? Lanes::features_at_once / 2 : 1;
    for_each_tile<most>(0, whole_lanes(rows.features + lanes - 1),
                        [&]<int width>(Width<width>, Count feature) {
                            add_exact_tile<width>(chunk, feature, margins, features);
                        });
}

/// Adds the sums of some neighbours, row by row, as one term of each of 8 count features.
template <int count, bool asks, ElementType type>
void add_term_tile(const Chunk<type>& chunk, Count feature, const double* factors, Ahead& ahead,
                   const KernelBins& bins) {
    double sums[count * lanes] = {};
    add_tile<count, asks>(chunk, feature, factors, ahead, sums);
    for (int t = 0; t < count; ++t) {
        const Count at = feature + t * lanes;
        ExactLanes bin{.first_shift = Lanes::load(bins.first_shift + at),
                       .second_shift = Lanes::load(bins.second_shift + at),
                       .first = Lanes::load(bins.first + at),
                       .second = Lanes::load(bins.second + at)};
        bin.add(Lanes::load(sums + t * lanes));
        Lanes::store(bins.first + at, bin.first);
        Lanes::store(bins.second + at, bin.second);
    }
}

/// Pieces of neighbours, each at most most_piece_rows, where they are; what each adds up to is one
/// term, of slopes and losses one in each lane. While one is at work the memory brings the next,
/// half of it while margins are made and half while products are.
template <ElementType type>
PARALOGIT_WHOLE_KERNEL void add_pieces(const KernelRows* pieces, Count count,
                                       const LinearFunction& f, double* scratch,
                                       const KernelBins& features, const KernelBins& slopes,
                                       const KernelBins& losses) {
    ExactLanes slope_sums = ExactLanes::of(slopes);
    ExactLanes loss_sums = ExactLanes::of(losses);
    constexpr Count half = (bytes_of(type) + 1) / 2;
    double* const margins = scratch;
    for (Count k = 0; k < count; ++k) {
        const KernelRows& rows = pieces[k];
        const std::byte* const next = k + 1 < count ? pieces[k + 1].values : rows.values;
        const Margins8<type> margins_of(f, rows.features);
        const Count padded = whole_lanes(rows.features + lanes - 1);
        ChunkWalk<type> walk(rows, most_piece_rows, scratch + most_piece_rows);
        if (!walk.next()) {
            continue;
        }
        const Chunk<type>& chunk = walk.chunk();
        for (Count i = 0; i < chunk.rows; i += lanes) {
            Lanes::store(margins + i, margins_of.template operator()<half>(
                                          chunk.group(i), Ahead(next + half * i * padded)));
        }
        SlopeSums sums;
        sums.common = Lanes::all(largest_weight(rows));
        turn_into_slopes(rows, 0, rows.rows, margins, sums);
        sums.flush();
        slope_sums.add(sums.slopes);
        loss_sums.add(Lanes::add(sums.linear, Lanes::add(sums.logs, sums.weighted_logs)));
        Ahead ahead(next + half * chunk.rows * padded);
        for_each_tile<Lanes::features_at_once>(0, padded,
                                               [&]<int width>(Width<width>, Count feature) {
                                                   add_term_tile<width, (bytes_of(type) > 1)>(
                                                       chunk, feature, margins, ahead, features);
                                               });
    }
    slope_sums.store(slopes);
    loss_sums.store(losses);
}

}  // namespace
}  // namespace paralogit::model
