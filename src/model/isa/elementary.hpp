#pragma once

#include <cstddef>
#include <cstdint>

#include "chunks.hpp"

// Elementary functions of eight lanes, operation for operation those of src/model/math.cpp, which
// says why they are as they are. Included after Lanes.

namespace paralogit::model {
namespace {

using V = Lanes::V;
using M = Lanes::M;

template <int width>
struct Width {};

constexpr std::int64_t bytes_of(ElementType type) {
    using enum ElementType;
    switch (type) {
        case int8:
        case uint8:
            return 1;
        case float16:
        case int16:
        case uint16:
            return 2;
        case float32:
        case int32:
        case uint32:
            return 4;
        default:
            return 8;
    }
}

template <int count>
V horner(const double (&coefficients)[count], V x) {
    V value = Lanes::all(coefficients[count - 1]);
    for (int i = count - 2; i >= 0; --i) {
        value = Lanes::fma(value, x, Lanes::all(coefficients[i]));
    }
    return value;
}

// 1/2!, 1/3!, ..., 1/13!
constexpr double exp_coefficients[] = {
    1.0 / 2,     1.0 / 6,      1.0 / 24,      1.0 / 120,      1.0 / 720,       1.0 / 5040,
    1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800,
};

// 2/3, 2/5, ..., 2/23
constexpr double log_coefficients[] = {
    2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,  2.0 / 11, 2.0 / 13,
    2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21, 2.0 / 23,
};

V exp_of_nonpositive(V x) {
    const V least = Lanes::all(-746.0);
    const V bounded = Lanes::select(Lanes::less(x, least), least, x);
    const V shift = Lanes::all(0x1.8p52);
    const V exponent =
        Lanes::sub(Lanes::fma(bounded, Lanes::all(0x1.71547652b82fep+0), shift), shift);
    const V high = Lanes::fnma(exponent, Lanes::all(0x1.62e42fefa39efp-1), bounded);
    const V low = Lanes::mul(exponent, Lanes::all(0x1.abc9e3b39803fp-56));
    const V r = Lanes::sub(high, low);
    const V r_error = Lanes::sub(Lanes::sub(high, r), low);

    const V q = horner(exp_coefficients, r);
    const V tail = Lanes::fma(Lanes::mul(r, r), q, r_error);
    const V one = Lanes::all(1.0);
    const V sum = Lanes::add(one, r);
    const V sum_error = Lanes::add(Lanes::sub(one, sum), r);
    return Lanes::scaled(Lanes::add(sum, Lanes::add(sum_error, tail)), exponent);
}

/// log(1 + p) for any p >= 0 with a finite 1 + p.
V log1p(V p) {
    const V half = Lanes::all(0.5);
    const V one = Lanes::all(1.0);
    // Up to 1 as log1p_of_unit, beyond as log_of_positive(1 + p).
    const M is_folded = Lanes::less(half, p);
    const M is_large = Lanes::less(one, p);
    const V x = Lanes::add(one, p);
    const V large_exponent = Lanes::exponent(x);
    const V large_f = Lanes::sub(Lanes::unscaled(x, large_exponent), one);
    const V folded_f = Lanes::mul(half, Lanes::sub(p, one));
    const V exponent =
        Lanes::select(is_large, large_exponent, Lanes::select(is_folded, one, Lanes::all(0.0)));
    const V f = Lanes::select(is_large, large_f, Lanes::select(is_folded, folded_f, p));

    const V s = Lanes::div(f, Lanes::add(Lanes::all(2.0), f));
    const V square = Lanes::mul(s, s);
    const V series = Lanes::mul(square, horner(log_coefficients, square));
    const V base = Lanes::mul(exponent, Lanes::all(0x1.62e42fefa38p-1));
    const V rest = Lanes::mul(exponent, Lanes::all(0x1.ef35793c7673p-45));
    const V sum = Lanes::add(base, f);
    const V sum_error = Lanes::add(Lanes::sub(base, sum), f);
    return Lanes::add(sum, Lanes::add(sum_error, Lanes::fnma(s, Lanes::sub(f, series), rest)));
}

}  // namespace
}  // namespace paralogit::model
