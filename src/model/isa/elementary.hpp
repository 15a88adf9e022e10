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

template <typename L, int count>
typename L::V horner(const double (&coefficients)[count], typename L::V x) {
    typename L::V value = L::all(coefficients[count - 1]);
    for (int i = count - 2; i >= 0; --i) {
        value = L::fma(value, x, L::all(coefficients[i]));
    }
    return value;
}

// As in src/model/math.cpp.
constexpr double exp_coefficients[] = {
    0x1.000000000012fp-1, 0x1.55555555555dcp-3,  0x1.5555554738adap-5,
    0x1.1111110acb740p-7, 0x1.6c1ce25e8b5eap-10, 0x1.a01f743ce2464p-13,
};
constexpr double roots_of_two[8] = {
    0x1.0000000000000p+0, 0x1.172b83c7d517bp+0, 0x1.306fe0a31b715p+0, 0x1.4bfdad5362a27p+0,
    0x1.6a09e667f3bcdp+0, 0x1.8ace5422aa0dbp+0, 0x1.ae89f995ad3adp+0, 0x1.d5818dcfba487p+0,
};
constexpr double rests_of_roots_of_two[8] = {
    0x0p+0,
    -0x1.19041b9d78a76p-55,
    0x1.6f46ad23182e4p-55,
    0x1.d4397afec42e2p-56,
    -0x1.bdd3413b26456p-54,
    0x1.6e9f156864b27p-54,
    0x1.7a1cd345dcc81p-54,
    0x1.2ed02d75b3707p-55,
};

// 2/3, 2/5, ..., 2/23
constexpr double log_coefficients[] = {
    2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,  2.0 / 11, 2.0 / 13,
    2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21, 2.0 / 23,
};

/// L is Lanes, or several of them side by side (abreast.hpp).
template <typename L = Lanes>
typename L::V exp_of_nonpositive(typename L::V x) {
    using Several = typename L::V;
    const Several bounded = L::max(L::all(-746.0), x);
    const Several shift = L::all(0x1.8p49);
    const Several shifted = L::fma(bounded, L::all(0x1.71547652b82fep+0), shift);
    const Several exponent = L::sub(shifted, shift);
    const Several high = L::fnma(exponent, L::all(0x1.62e42fefa39efp-1), bounded);
    const Several r = L::fnma(exponent, L::all(0x1.abc9e3b39803fp-56), high);

    const Several q = horner<L>(exp_coefficients, r);
    const Several p = L::fma(L::mul(r, r), q, r);
    const Several root = L::pick(roots_of_two, shifted);
    const Several mantissa = L::add(root, L::fma(root, p, L::pick(rests_of_roots_of_two, shifted)));
    return L::scaled(mantissa, exponent);
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
    const V series = Lanes::mul(square, horner<Lanes>(log_coefficients, square));
    const V base = Lanes::mul(exponent, Lanes::all(0x1.62e42fefa38p-1));
    const V rest = Lanes::mul(exponent, Lanes::all(0x1.ef35793c7673p-45));
    const V sum = Lanes::add(base, f);
    const V sum_error = Lanes::add(Lanes::sub(base, sum), f);
    return Lanes::add(sum, Lanes::add(sum_error, Lanes::fnma(s, Lanes::sub(f, series), rest)));
}

}  // namespace
}  // namespace paralogit::model
