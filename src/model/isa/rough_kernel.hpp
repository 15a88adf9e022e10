#pragma once

#include "row_groups.hpp"

// Part of kernels.hpp: outer products for a Hessian that may be rough, in floats.

namespace paralogit::model {
namespace {

constexpr Count floats_at_once = 16;

/// Rows whose products are added up in floats. The more there are the larger the error, and the
/// fewer sums to widen.
constexpr Count rows_of_rough_sum = 128;

/// A row's part of KernelTable::rough_rows.
template <ElementType type>
void put_rough_row(const Chunk<type>& chunk, Count row, const KernelRoughFrame& frame, double root,
                   float* to) {
    const Count whole = whole_lanes(chunk.features);
    const V roots = Lanes::all(root);
    const auto scaled = [&](Count j, V centre, V factor) {
        const V deviation = Lanes::sub(Lanes::widen<type>(chunk.at(row, j)), centre);
        return Lanes::mul(Lanes::mul(deviation, factor), roots);
    };
    for (Count j = 0; j < whole; j += lanes) {
        Lanes::store_floats(
            to + j, scaled(j, Lanes::load(frame.centre + j), Lanes::load(frame.factor + j)));
    }
    if (const Count rest = chunk.features - whole; rest > 0) {
        float last[lanes];
        Lanes::store_floats(last, scaled(whole, load_some(frame.centre + whole, rest),
                                         load_some(frame.factor + whole, rest)));
        for (Count l = 0; l < rest; ++l) {
            to[whole + l] = last[l];
        }
    }
}

template <ElementType type>
PARALOGIT_WHOLE_KERNEL void rough_rows(const KernelRows& block, const KernelRoughFrame& frame,
                                       double* scratch, float* to) {
    ChunkWalk<type> walk(block, chunk_rows(block.features * Chunk<type>::element_bytes), scratch);
    while (walk.next()) {
        for (Count i = 0; i < walk.rows(); ++i, to += frame.stride) {
            const double root = frame.roots[walk.first() + i];
            // Without weight its values may lie outside all bounds.
            const bool is_empty = root == 0;
            if (!is_empty) {
                put_rough_row(walk.chunk(), i, frame, root, to);
            }
            Count j = is_empty ? 0 : block.features;
            if (!is_empty && frame.has_intercept) {
                to[j++] = static_cast<float>(root);
            }
            for (; j < frame.stride; ++j) {
                to[j] = 0;
            }
        }
    }
}

/// Adds to strip[t, k] the sum over i of rows_t[i, t] rows_k[i, k] for eight features t and `wide`
/// groups of sixteen features k.
template <int wide>
void add_rough_tile(const float* rows_t, const float* rows_k, Count rows, Count stride,
                    double* strip) {
    constexpr int tall = Lanes::rows_at_once;
    for (Count begin = 0; begin < lanes; begin += tall) {
        typename Lanes::F sum[tall][wide];
        for (int t = 0; t < tall; ++t) {
            for (int k = 0; k < wide; ++k) {
                sum[t][k] = Lanes::all_floats(0);
            }
        }
        for (Count i = 0; i < rows; ++i) {
            typename Lanes::F x[wide];
            for (int k = 0; k < wide; ++k) {
                x[k] = Lanes::load_floats(rows_k + i * stride + k * floats_at_once);
            }
            for (int t = 0; t < tall; ++t) {
                const typename Lanes::F factor = Lanes::all_floats(rows_t[i * stride + begin + t]);
                for (int k = 0; k < wide; ++k) {
                    sum[t][k] = Lanes::fma(factor, x[k], sum[t][k]);
                }
            }
        }
        for (int t = 0; t < tall; ++t) {
            for (int k = 0; k < wide; ++k) {
                double* const to = strip + (begin + t) * stride + k * floats_at_once;
                Lanes::store(to, Lanes::add(Lanes::load(to), Lanes::first_half(sum[t][k])));
                Lanes::store(to + lanes,
                             Lanes::add(Lanes::load(to + lanes), Lanes::second_half(sum[t][k])));
            }
        }
    }
}

void add_rough_strip(const KernelRoughPanel& panel, Count first, double* strip) {
    // Behind the features there is room for half a group.
    const Count end = panel.stride - lanes;
    for (Count i = 0; i < panel.count; i += rows_of_rough_sum) {
        const Count rows = smaller_of(rows_of_rough_sum, panel.count - i);
        const float* const rows_of_sum = panel.rows + i * panel.stride;
        const auto add = [&]<int wide>(Width<wide>, Count k) {
            add_rough_tile<wide>(rows_of_sum + first, rows_of_sum + k, rows, panel.stride,
                                 strip + k);
        };
        Count k = first;
        constexpr int most = Lanes::groups_at_once;
        for (; k + (most - 1) * floats_at_once < end; k += most * floats_at_once) {
            add(Width<most>{}, k);
        }
        if constexpr (most > 2) {
            if (k + floats_at_once < end) {
                add(Width<2>{}, k);
                k += 2 * floats_at_once;
            }
        }
        for (; k < end; k += floats_at_once) {
            add(Width<1>{}, k);
        }
    }
}

}  // namespace
}  // namespace paralogit::model
