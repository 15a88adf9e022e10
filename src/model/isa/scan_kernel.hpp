#pragma once

#include "row_groups.hpp"

// Part of kernels.hpp: what is learned of the columns while the data is loaded.

namespace paralogit::model {
namespace {

/// Of the rows of a chunk, when they are weighted.
struct RowFactors {
    double* weights;
    double* roots;  ///< of the weights
};

/// Adds the rows of a chunk to the sums of `count` groups of eight features, and the part of these
/// features to the projections, by row and lane.
template <int count, bool is_weighted, ElementType type>
void scan_tile(const Chunk<type>& chunk, Count feature, const RowFactors& factors,
               const KernelFrame& frame, ScanSums& sums, double* projections) {
    V absolute[count];
    V largest[count];
    V farthest[count];
    V deviations[count];
    V squares[count];
    for (int t = 0; t < count; ++t) {
        const Count at = feature + t * lanes;
        absolute[t] = Lanes::load(sums.absolute + at);
        largest[t] = Lanes::load(sums.largest + at);
        farthest[t] = Lanes::load(sums.farthest + at);
        deviations[t] = Lanes::load(sums.deviations + at);
        squares[t] = Lanes::load(sums.squared_deviations + at);
    }
    const std::byte* row = chunk.at(0, feature);
    for (Count i = 0; i < chunk.rows; ++i, row += chunk.features * chunk.element_bytes) {
        V projection = Lanes::load(projections + i * lanes);
        const V weight = Lanes::all(is_weighted ? factors.weights[i] : 1.0);
        // A row of weight 0 may lie outside all bounds; only whether it is finite counts.
        const bool counts = !is_weighted || factors.weights[i] > 0;
        for (int t = 0; t < count; ++t) {
            const Count at = feature + t * lanes;
            const V x = Lanes::widen<type>(row + t * lanes * chunk.element_bytes);
            const V size = Lanes::absolute(x);
            absolute[t] =
                is_weighted ? Lanes::fma(weight, size, absolute[t]) : Lanes::add(absolute[t], size);
            projection = Lanes::fma(x, Lanes::load(frame.projection + at), projection);
            if (counts) {
                const V deviation = Lanes::sub(x, Lanes::load(frame.origin + at));
                const V scaled = Lanes::mul(deviation, Lanes::load(frame.unit + at));
                const V distance = Lanes::absolute(deviation);
                largest[t] = Lanes::max(size, largest[t]);
                farthest[t] = Lanes::max(
                    is_weighted ? Lanes::mul(Lanes::all(factors.roots[i]), distance) : distance,
                    farthest[t]);
                deviations[t] = is_weighted ? Lanes::fma(weight, deviation, deviations[t])
                                            : Lanes::add(deviations[t], deviation);
                squares[t] = Lanes::fma(is_weighted ? Lanes::mul(weight, scaled) : scaled, scaled,
                                        squares[t]);
            }
        }
        Lanes::store(projections + i * lanes, projection);
    }
    for (int t = 0; t < count; ++t) {
        const Count at = feature + t * lanes;
        Lanes::store(sums.absolute + at, absolute[t]);
        Lanes::store(sums.largest + at, largest[t]);
        Lanes::store(sums.farthest + at, farthest[t]);
        Lanes::store(sums.deviations + at, deviations[t]);
        Lanes::store(sums.squared_deviations + at, squares[t]);
    }
}

template <bool is_weighted, ElementType type>
void scan_chunk(const Chunk<type>& chunk, const RowFactors& factors, const KernelFrame& frame,
                ScanSums& sums, double* projections) {
    const Count whole = whole_lanes(chunk.features);
    for_each_tile<(Lanes::features_at_once + 3) / 4>(
        0, whole, [&]<int width>(Width<width>, Count feature) {
            scan_tile<width, is_weighted>(chunk, feature, factors, frame, sums, projections);
        });
    const Count rest = chunk.features - whole;
    if (rest > 0) {
        // The last features in places of their own, with zeros behind them.
        double frames[3][lanes];
        double results[5][lanes];
        Lanes::store(frames[0], load_some(frame.origin + whole, rest));
        Lanes::store(frames[1], load_some(frame.unit + whole, rest));
        Lanes::store(frames[2], load_some(frame.projection + whole, rest));
        double* const all_sums[] = {sums.absolute, sums.largest, sums.farthest, sums.deviations,
                                    sums.squared_deviations};
        for (int k = 0; k < 5; ++k) {
            Lanes::store(results[k], load_some(all_sums[k] + whole, rest));
        }
        const KernelFrame last_frame{
            .origin = frames[0], .unit = frames[1], .projection = frames[2]};
        ScanSums last_sums{.absolute = results[0],
                           .largest = results[1],
                           .farthest = results[2],
                           .deviations = results[3],
                           .squared_deviations = results[4],
                           .projections = nullptr};
        Chunk<type> last = chunk;
        last.values += whole * chunk.element_bytes;
        scan_tile<1, is_weighted>(last, 0, factors, last_frame, last_sums, projections);
        for (int k = 0; k < 5; ++k) {
            store_some(all_sums[k] + whole, rest, Lanes::load(results[k]));
        }
    }
}

/// Overwrites the sums.
template <ElementType type>
void scan(const KernelRows& block, const KernelFrame& frame, double* scratch, ScanSums& sums) {
    for (Count j = 0; j < block.features; ++j) {
        sums.absolute[j] = 0;
        sums.largest[j] = 0;
        sums.farthest[j] = 0;
        sums.deviations[j] = 0;
        sums.squared_deviations[j] = 0;
    }
    const RowFactors factors{.weights = scratch, .roots = scratch + most_chunk_rows};
    double* projections = scratch + 2 * most_chunk_rows;
    double* copy = projections + lanes * most_chunk_rows;
    ChunkWalk<type> walk(block, chunk_rows(block.features * Chunk<type>::element_bytes), copy);
    while (walk.next()) {
        const Chunk<type>& chunk = walk.chunk();
        const Count first = walk.first();
        const Count rows = walk.rows();
        for (Count i = 0; i < lanes * chunk.rows; ++i) {
            projections[i] = 0;
        }
        if (block.row_weights == nullptr && rows == chunk.rows) {
            scan_chunk<false>(chunk, factors, frame, sums, projections);
        } else {
            for (Count i = 0; i < chunk.rows; ++i) {
                const bool is_padding = i >= rows;
                factors.weights[i] = is_padding                     ? 0.0
                                     : block.row_weights == nullptr ? 1.0
                                                                    : block.row_weights[first + i];
                factors.roots[i] = __builtin_sqrt(factors.weights[i]);
            }
            scan_chunk<true>(chunk, factors, frame, sums, projections);
        }
        for (Count i = 0; i < rows; i += lanes) {
            V by_row[lanes];
            for (Count l = 0; l < lanes; ++l) {
                by_row[l] = Lanes::load(projections + (i + l) * lanes);
            }
            const Count rest = rows - i;
            store_some(sums.projections + first + i, rest < lanes ? rest : lanes,
                       Lanes::sums_of(by_row));
        }
    }
}

}  // namespace
}  // namespace paralogit::model
