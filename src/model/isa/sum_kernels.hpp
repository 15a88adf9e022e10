#pragma once

#include "row_groups.hpp"

// Part of kernels.hpp: the Hessian's outer products, and the limbs of exact sums.

namespace paralogit::model {
namespace {

/// strip[t, k] += sum_i weighted[i, t] rows_k[i, k] for eight features t and `wide` groups of eight
/// features k; the rows in increasing order.
template <int wide>
void add_outer_tile(const double* weighted, const double* rows_k, Count rows, Count size,
                    double* strip) {
    constexpr int tall = Lanes::rows_at_once;
    for (Count begin = 0; begin < lanes; begin += tall) {
        V sum[tall][wide];
        for (int t = 0; t < tall; ++t) {
            for (int k = 0; k < wide; ++k) {
                sum[t][k] = Lanes::load(strip + (begin + t) * size + k * lanes);
            }
        }
        for (Count i = 0; i < rows; ++i) {
            V x[wide];
            for (int k = 0; k < wide; ++k) {
                x[k] = Lanes::load(rows_k + i * size + k * lanes);
            }
            for (int t = 0; t < tall; ++t) {
                const V factor = Lanes::all(weighted[i * lanes + begin + t]);
                for (int k = 0; k < wide; ++k) {
                    sum[t][k] = Lanes::fma(factor, x[k], sum[t][k]);
                }
            }
        }
        for (int t = 0; t < tall; ++t) {
            for (int k = 0; k < wide; ++k) {
                Lanes::store(strip + (begin + t) * size + k * lanes, sum[t][k]);
            }
        }
    }
}

void add_outer_strip(const KernelPanel& panel, Count first, double* weighted, double* strip) {
    const Count size = panel.size;
    for (Count i = 0; i < panel.count; ++i) {
        Lanes::store(weighted + i * lanes, Lanes::mul(Lanes::all(panel.curvatures[i]),
                                                      Lanes::load(panel.rows + i * size + first)));
    }
    constexpr int wide = Lanes::groups_at_once;
    Count k = first;
    for (; k + wide * lanes <= size; k += wide * lanes) {
        add_outer_tile<wide>(weighted, panel.rows + k, panel.count, size, strip + k);
    }
    for (; k < size; k += lanes) {
        add_outer_tile<1>(weighted, panel.rows + k, panel.count, size, strip + k);
    }
}

/// The limbs of t, in units of 1 and 1 / limit.
void add_limbs_of(V t, V limit, std::int64_t* high, std::int64_t* low) {
    // Adding and subtracting it rounds to the nearest integer, ties to even.
    const V shift = Lanes::all(0x1.8p52);
    const V nearest = Lanes::sub(Lanes::add(t, shift), shift);
    const V rest = Lanes::mul(Lanes::sub(t, nearest), limit);
    Lanes::add_integers(high, nearest);
    Lanes::add_integers(low, Lanes::sub(Lanes::add(rest, shift), shift));
}

bool is_below(V t, V limit) {
    return Lanes::count(Lanes::less(Lanes::absolute(t), limit)) == lanes;
}

/// `scaled(position, count)` gives the values there times their scale, zeros beyond `count`.
template <typename Scaled>
bool add_all_limbs(Count count, double limit, std::int64_t* high, std::int64_t* low,
                   Scaled&& scaled) {
    const V limits = Lanes::all(limit);
    for (Count j = 0; j < count; j += lanes) {
        if (!is_below(scaled(j, count - j), limits)) {
            return false;
        }
    }
    const Count whole = whole_lanes(count);
    for (Count j = 0; j < whole; j += lanes) {
        add_limbs_of(scaled(j, lanes), limits, high + j, low + j);
    }
    if (whole < count) {
        std::int64_t some_high[lanes] = {};
        std::int64_t some_low[lanes] = {};
        add_limbs_of(scaled(whole, count - whole), limits, some_high, some_low);
        for (Count l = 0; whole + l < count; ++l) {
            high[whole + l] += some_high[l];
            low[whole + l] += some_low[l];
        }
    }
    return true;
}

V load_up_to(const double* p, Count count) {
    return count < lanes ? load_some(p, count) : Lanes::load(p);
}

bool add_limbs(const double* values, const double* scale, const double* scale_rest, double limit,
               Count count, std::int64_t* high, std::int64_t* low) {
    return add_all_limbs(count, limit, high, low, [&](Count at, Count rest) {
        return Lanes::mul(Lanes::mul(load_up_to(values + at, rest), load_up_to(scale + at, rest)),
                          load_up_to(scale_rest + at, rest));
    });
}

bool add_limbs_of_one_scale(const double* values, double scale, double limit, Count count,
                            std::int64_t* high, std::int64_t* low) {
    return add_all_limbs(count, limit, high, low, [&](Count at, Count rest) {
        return Lanes::mul(load_up_to(values + at, rest), Lanes::all(scale));
    });
}

}  // namespace
}  // namespace paralogit::model
