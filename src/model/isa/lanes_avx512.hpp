#pragma once

#include <immintrin.h>

#include "paralogit/base/element_type.hpp"
#include "whole_kernel.hpp"

namespace paralogit::model {
namespace {

/// Eight doubles in one register; see lanes_portable.hpp for what each operation means.
struct Lanes {
    using V = __m512d;
    using M = __mmask8;
    using F = __m512;

    static constexpr int features_at_once = 8;
    static constexpr int rows_at_once = 8;
    static constexpr int groups_at_once = 3;

    static V all(double x) { return _mm512_set1_pd(x); }
    static V load(const double* p) { return _mm512_loadu_pd(p); }
    static void store(double* p, V v) { _mm512_storeu_pd(p, v); }
    static V load_bytes(const std::uint8_t* p) { return widen<ElementType::uint8>(as_bytes(p)); }

    template <ElementType type>
    static V widen(const std::byte* p) {
        using enum ElementType;
        if constexpr (type == float64) {
            return _mm512_loadu_pd(p);
        } else if constexpr (type == float32) {
            return _mm512_cvtps_pd(_mm256_loadu_ps(reinterpret_cast<const float*>(p)));
        } else if constexpr (type == float16) {
            return _mm512_cvtps_pd(_mm256_cvtph_ps(half(p)));
        } else if constexpr (type == int8) {
            return _mm512_cvtepi64_pd(_mm512_cvtepi8_epi64(quarter(p)));
        } else if constexpr (type == uint8) {
            return _mm512_cvtepi64_pd(_mm512_cvtepu8_epi64(quarter(p)));
        } else if constexpr (type == int16) {
            return _mm512_cvtepi64_pd(_mm512_cvtepi16_epi64(half(p)));
        } else if constexpr (type == uint16) {
            return _mm512_cvtepi64_pd(_mm512_cvtepu16_epi64(half(p)));
        } else if constexpr (type == int32) {
            return _mm512_cvtepi32_pd(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
        } else if constexpr (type == uint32) {
            return _mm512_cvtepu32_pd(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
        } else if constexpr (type == int64) {
            return _mm512_cvtepi64_pd(_mm512_loadu_si512(p));
        } else {
            return _mm512_cvtepu64_pd(_mm512_loadu_si512(p));
        }
    }

    static V add(V a, V b) { return _mm512_add_pd(a, b); }
    static V sub(V a, V b) { return _mm512_sub_pd(a, b); }
    static V mul(V a, V b) { return _mm512_mul_pd(a, b); }
    static V div(V a, V b) { return _mm512_div_pd(a, b); }
    static V fma(V a, V b, V c) { return _mm512_fmadd_pd(a, b, c); }
    static V fnma(V a, V b, V c) { return _mm512_fnmadd_pd(a, b, c); }
    static V max(V a, V b) { return _mm512_max_pd(a, b); }
    static V absolute(V a) { return _mm512_abs_pd(a); }
    static V negative(V a) { return _mm512_xor_pd(a, _mm512_set1_pd(-0.0)); }
    static V made_odd(V a) {
        return _mm512_castsi512_pd(_mm512_or_si512(_mm512_castpd_si512(a), _mm512_set1_epi64(1)));
    }
    static V not_positive(V a) { return _mm512_or_pd(a, _mm512_set1_pd(-0.0)); }
    static V times_sign(V a, V b) {
        // a ^ (b & sign)
        constexpr int truth_table = 0x78;
        return _mm512_castsi512_pd(
            _mm512_ternarylogic_epi64(_mm512_castpd_si512(a), _mm512_castpd_si512(b),
                                      _mm512_castpd_si512(_mm512_set1_pd(-0.0)), truth_table));
    }

    static M has_sign(V a) { return _mm512_movepi64_mask(_mm512_castpd_si512(a)); }
    static M less(V a, V b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
    static M equal(V a, V b) { return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ); }
    static M both(M a, M b) { return static_cast<M>(a & b); }
    static M either(M a, M b) { return static_cast<M>(a | b); }
    static int count(M m) { return __builtin_popcount(m); }
    static V select(M m, V yes, V no) { return _mm512_mask_blend_pd(m, no, yes); }

    static V pick(const double (&table)[8], V shifted) {
        return _mm512_permutexvar_pd(_mm512_castpd_si512(shifted), _mm512_loadu_pd(table));
    }
    // The instruction rounds the exponent down.
    static V scaled(V m, V e) { return _mm512_scalef_pd(m, e); }
    static V exponent(V x) {
        const __m512i above =
            _mm512_sub_epi64(_mm512_castpd_si512(x), _mm512_set1_epi64(0x3fe6a09e667f3bcd));
        return _mm512_cvtepi64_pd(_mm512_srli_epi64(above, 52));
    }
    static V unscaled(V x, V e) { return _mm512_scalef_pd(x, negative(e)); }

    template <typename Combine>
    static V folded(const V (&rows)[8], Combine&& combine) {
        // The lanes 0+4, 1+5, 2+6, 3+7 of a, then those of b.
        const auto pairs = [&](V a, V b) {
            return combine(_mm512_shuffle_f64x2(a, b, 0x44), _mm512_shuffle_f64x2(a, b, 0xee));
        };
        // Of each of the four rows in a and b: (0+4)+(2+6), (1+5)+(3+7).
        const auto quarters = [&](V a, V b) {
            return combine(_mm512_shuffle_f64x2(a, b, 0x88), _mm512_shuffle_f64x2(a, b, 0xdd));
        };
        const V even = quarters(pairs(rows[0], rows[2]), pairs(rows[4], rows[6]));
        const V odd = quarters(pairs(rows[1], rows[3]), pairs(rows[5], rows[7]));
        return combine(_mm512_unpacklo_pd(even, odd), _mm512_unpackhi_pd(even, odd));
    }
    static V sums_of(const V (&rows)[8]) { return folded(rows, add); }

    static void add_integers(std::int64_t* to, V a) {
        _mm512_storeu_si512(to, _mm512_add_epi64(_mm512_loadu_si512(to), _mm512_cvtpd_epi64(a)));
    }

    static V gather(const double* from, const std::byte* places) {
        const __m256d low = _mm256_set_m128d(two(from, places, 2), two(from, places, 0));
        const __m256d high = _mm256_set_m128d(two(from, places, 6), two(from, places, 4));
        return _mm512_insertf64x4(_mm512_castpd256_pd512(low), high, 1);
    }
    static V gather_leading(const std::uint16_t* from, const std::byte* places) {
        return _mm512_castsi512_pd(
            _mm512_slli_epi64(_mm512_cvtepu16_epi64(eight_leading(from, places)), 48));
    }
    static void add_to_pairs(std::int64_t* pairs, const std::byte* places, V high, V low) {
        const __m512i shift = _mm512_castpd_si512(_mm512_set1_pd(0x1.8p52));
        const __m512i h = _mm512_sub_epi64(_mm512_castpd_si512(high), shift);
        const __m512i l = _mm512_sub_epi64(_mm512_castpd_si512(low), shift);
        const __m512i even = _mm512_unpacklo_epi64(h, l);
        const __m512i odd = _mm512_unpackhi_epi64(h, l);
        add_pair(pairs + 2 * place(places, 0), _mm512_castsi512_si128(even));
        add_pair(pairs + 2 * place(places, 1), _mm512_castsi512_si128(odd));
        add_pair(pairs + 2 * place(places, 2), _mm512_extracti64x2_epi64(even, 1));
        add_pair(pairs + 2 * place(places, 3), _mm512_extracti64x2_epi64(odd, 1));
        add_pair(pairs + 2 * place(places, 4), _mm512_extracti64x2_epi64(even, 2));
        add_pair(pairs + 2 * place(places, 5), _mm512_extracti64x2_epi64(odd, 2));
        add_pair(pairs + 2 * place(places, 6), _mm512_extracti64x2_epi64(even, 3));
        add_pair(pairs + 2 * place(places, 7), _mm512_extracti64x2_epi64(odd, 3));
    }
    static void add_to_pair(std::int64_t* pairs, const std::byte* places, int lane, double high,
                            double low) {
        const __m128i shift = _mm_castpd_si128(_mm_set1_pd(0x1.8p52));
        add_pair(pairs + 2 * place(places, lane),
                 _mm_sub_epi64(_mm_castpd_si128(_mm_set_pd(low, high)), shift));
    }

    static void store_floats(float* p, V v) { _mm256_storeu_ps(p, _mm512_cvtpd_ps(v)); }
    static F all_floats(float x) { return _mm512_set1_ps(x); }
    static F load_floats(const float* p) { return _mm512_loadu_ps(p); }
    static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
    static V first_half(F a) { return _mm512_cvtps_pd(_mm512_castps512_ps256(a)); }
    static V second_half(F a) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(a, 1)); }

  private:
    static std::size_t place(const std::byte* places, int lane) {
        std::uint32_t place;
        __builtin_memcpy(&place, places + 4 * lane, sizeof place);
        return place;
    }
    static void add_pair(std::int64_t* to, __m128i pair) {
        auto* p = reinterpret_cast<__m128i*>(to);
        _mm_storeu_si128(p, _mm_add_epi64(_mm_loadu_si128(p), pair));
    }
    /// Two doubles from places `lane` and `lane` + 1: loads and shuffles, which are faster than a
    /// gather where that is taken apart into as many.
    static __m128d two(const double* from, const std::byte* places, int lane) {
        return _mm_loadh_pd(_mm_load_sd(from + place(places, lane)),
                            from + place(places, lane + 1));
    }
    static __m128i eight_leading(const std::uint16_t* from, const std::byte* places) {
        __m128i words = _mm_cvtsi32_si128(from[place(places, 0)]);
        words = _mm_insert_epi16(words, from[place(places, 1)], 1);
        words = _mm_insert_epi16(words, from[place(places, 2)], 2);
        words = _mm_insert_epi16(words, from[place(places, 3)], 3);
        words = _mm_insert_epi16(words, from[place(places, 4)], 4);
        words = _mm_insert_epi16(words, from[place(places, 5)], 5);
        words = _mm_insert_epi16(words, from[place(places, 6)], 6);
        return _mm_insert_epi16(words, from[place(places, 7)], 7);
    }
    static const std::byte* as_bytes(const std::uint8_t* p) {
        return reinterpret_cast<const std::byte*>(p);
    }
    static __m128i half(const std::byte* p) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    }
    static __m128i quarter(const std::byte* p) {
        return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    }
};

}  // namespace
}  // namespace paralogit::model
