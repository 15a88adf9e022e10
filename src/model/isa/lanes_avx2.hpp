#pragma once

#include <immintrin.h>

#include "paralogit/base/element_type.hpp"
#include "whole_kernel.hpp"

namespace paralogit::model {
namespace {

/// Eight doubles in two registers; see lanes_portable.hpp for what each operation means.
struct Lanes {
    struct V {
        __m256d low;   ///< lanes 0 to 3
        __m256d high;  ///< lanes 4 to 7
    };
    using M = V;  ///< the sign bits of the lanes
    struct F {
        __m256 low;   ///< lanes 0 to 7
        __m256 high;  ///< lanes 8 to 15
    };

    static constexpr int features_at_once = 4;
    static constexpr int rows_at_once = 4;
    static constexpr int groups_at_once = 1;

    static V all(double x) { return {_mm256_set1_pd(x), _mm256_set1_pd(x)}; }
    static V load(const double* p) { return {_mm256_loadu_pd(p), _mm256_loadu_pd(p + 4)}; }
    static void store(double* p, V v) {
        _mm256_storeu_pd(p, v.low);
        _mm256_storeu_pd(p + 4, v.high);
    }
    static V load_bytes(const std::uint8_t* p) {
        return widen<ElementType::uint8>(reinterpret_cast<const std::byte*>(p));
    }

    template <ElementType type>
    static V widen(const std::byte* p) {
        using enum ElementType;
        if constexpr (type == float64) {
            return load(reinterpret_cast<const double*>(p));
        } else if constexpr (type == float32) {
            const auto* f = reinterpret_cast<const float*>(p);
            return {_mm256_cvtps_pd(_mm_loadu_ps(f)), _mm256_cvtps_pd(_mm_loadu_ps(f + 4))};
        } else if constexpr (type == float16) {
            return widened(_mm256_cvtph_ps(half(p)));
        } else if constexpr (type == int8) {
            return from_integers(_mm256_cvtepi8_epi32(quarter(p)));
        } else if constexpr (type == uint8) {
            return from_integers(_mm256_cvtepu8_epi32(quarter(p)));
        } else if constexpr (type == int16) {
            return from_integers(_mm256_cvtepi16_epi32(half(p)));
        } else if constexpr (type == uint16) {
            return from_integers(_mm256_cvtepu16_epi32(half(p)));
        } else if constexpr (type == int32) {
            return from_integers(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
        } else if constexpr (type == uint32) {
            return one_by_one<std::uint32_t>(p);
        } else if constexpr (type == int64) {
            return one_by_one<std::int64_t>(p);
        } else {
            return one_by_one<std::uint64_t>(p);
        }
    }

    static V add(V a, V b) { return {_mm256_add_pd(a.low, b.low), _mm256_add_pd(a.high, b.high)}; }
    static V sub(V a, V b) { return {_mm256_sub_pd(a.low, b.low), _mm256_sub_pd(a.high, b.high)}; }
    static V mul(V a, V b) { return {_mm256_mul_pd(a.low, b.low), _mm256_mul_pd(a.high, b.high)}; }
    static V div(V a, V b) { return {_mm256_div_pd(a.low, b.low), _mm256_div_pd(a.high, b.high)}; }
    static V fma(V a, V b, V c) {
        return {_mm256_fmadd_pd(a.low, b.low, c.low), _mm256_fmadd_pd(a.high, b.high, c.high)};
    }
    static V fnma(V a, V b, V c) {
        return {_mm256_fnmadd_pd(a.low, b.low, c.low), _mm256_fnmadd_pd(a.high, b.high, c.high)};
    }
    static V max(V a, V b) { return {_mm256_max_pd(a.low, b.low), _mm256_max_pd(a.high, b.high)}; }
    static V absolute(V a) {
        const __m256d sign = _mm256_set1_pd(-0.0);
        return {_mm256_andnot_pd(sign, a.low), _mm256_andnot_pd(sign, a.high)};
    }
    static V negative(V a) {
        const __m256d sign = _mm256_set1_pd(-0.0);
        return {_mm256_xor_pd(sign, a.low), _mm256_xor_pd(sign, a.high)};
    }
    static V made_odd(V a) {
        const __m256d last_bit = _mm256_castsi256_pd(_mm256_set1_epi64x(1));
        return {_mm256_or_pd(last_bit, a.low), _mm256_or_pd(last_bit, a.high)};
    }
    static V not_positive(V a) {
        const __m256d sign = _mm256_set1_pd(-0.0);
        return {_mm256_or_pd(sign, a.low), _mm256_or_pd(sign, a.high)};
    }
    static V times_sign(V a, V b) {
        const __m256d sign = _mm256_set1_pd(-0.0);
        return {_mm256_xor_pd(a.low, _mm256_and_pd(sign, b.low)),
                _mm256_xor_pd(a.high, _mm256_and_pd(sign, b.high))};
    }

    static M has_sign(V a) { return a; }
    static M less(V a, V b) {
        return {_mm256_cmp_pd(a.low, b.low, _CMP_LT_OQ), _mm256_cmp_pd(a.high, b.high, _CMP_LT_OQ)};
    }
    static M equal(V a, V b) {
        return {_mm256_cmp_pd(a.low, b.low, _CMP_EQ_OQ), _mm256_cmp_pd(a.high, b.high, _CMP_EQ_OQ)};
    }
    static M both(M a, M b) { return {_mm256_and_pd(a.low, b.low), _mm256_and_pd(a.high, b.high)}; }
    static M either(M a, M b) { return {_mm256_or_pd(a.low, b.low), _mm256_or_pd(a.high, b.high)}; }
    static int count(M m) {
        return __builtin_popcount(static_cast<unsigned>(_mm256_movemask_pd(m.low))) +
               __builtin_popcount(static_cast<unsigned>(_mm256_movemask_pd(m.high)));
    }
    static V select(M m, V yes, V no) {
        return {_mm256_blendv_pd(no.low, yes.low, m.low),
                _mm256_blendv_pd(no.high, yes.high, m.high)};
    }

    static V pick(const double (&table)[8], V shifted) {
        // The table in halves of 32 bits, the lower and the upper ones; so are the results.
        const __m256i first = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(table));
        const __m256i second = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(table + 4));
        const __m256i lower = halves<0x88>(first, second);
        const __m256i upper = halves<0xdd>(first, second);
        // Halves come in the order 0 1 4 5 2 3 6 7 of lanes, the table too.
        const __m256i in_order = _mm256_setr_epi32(0, 1, 4, 5, 2, 3, 6, 7);
        const __m256i at =
            halves<0x88>(_mm256_castpd_si256(shifted.low), _mm256_castpd_si256(shifted.high));
        const __m256i picked_lower =
            _mm256_permutevar8x32_epi32(_mm256_permutevar8x32_epi32(lower, in_order), at);
        const __m256i picked_upper =
            _mm256_permutevar8x32_epi32(_mm256_permutevar8x32_epi32(upper, in_order), at);
        return {_mm256_castsi256_pd(_mm256_unpacklo_epi32(picked_lower, picked_upper)),
                _mm256_castsi256_pd(_mm256_unpackhi_epi32(picked_lower, picked_upper))};
    }
    static V scaled(V m, V e) { return {scaled(m.low, e.low), scaled(m.high, e.high)}; }
    static V exponent(V x) { return {exponent(x.low), exponent(x.high)}; }
    static V unscaled(V x, V e) {
        return mul(x, {power_of_two(negative(e).low), power_of_two(negative(e).high)});
    }

    template <typename Combine>
    static V folded(const V (&rows)[8], Combine&& combine) {
        // The lanes 0+4, 1+5, 2+6, 3+7 of a, then those of b.
        const auto pairs = [&](V a, V b) { return combine({a.low, b.low}, {a.high, b.high}); };
        // Of the rows in a, then of those in b: (0+4)+(2+6), (1+5)+(3+7) of the first and the
        // second.
        const auto quarters = [&](V a, V b) {
            return combine({_mm256_permute2f128_pd(a.low, a.high, 0x20),
                            _mm256_permute2f128_pd(b.low, b.high, 0x20)},
                           {_mm256_permute2f128_pd(a.low, a.high, 0x31),
                            _mm256_permute2f128_pd(b.low, b.high, 0x31)});
        };
        const V even = quarters(pairs(rows[0], rows[2]), pairs(rows[4], rows[6]));
        const V odd = quarters(pairs(rows[1], rows[3]), pairs(rows[5], rows[7]));
        return combine(
            {_mm256_unpacklo_pd(even.low, odd.low), _mm256_unpacklo_pd(even.high, odd.high)},
            {_mm256_unpackhi_pd(even.low, odd.low), _mm256_unpackhi_pd(even.high, odd.high)});
    }
    static V sums_of(const V (&rows)[8]) { return folded(rows, add); }

    static void add_integers(std::int64_t* to, V a) {
        add_integers(to, a.low);
        add_integers(to + 4, a.high);
    }

    static V gather(const double* from, const std::byte* places) {
        return {_mm256_set_m128d(two(from, places, 2), two(from, places, 0)),
                _mm256_set_m128d(two(from, places, 6), two(from, places, 4))};
    }
    static V gather_leading(const std::uint16_t* from, const std::byte* places) {
        const __m128i words = eight_leading(from, places);
        return {_mm256_castsi256_pd(_mm256_slli_epi64(_mm256_cvtepu16_epi64(words), 48)),
                _mm256_castsi256_pd(_mm256_slli_epi64(
                    _mm256_cvtepu16_epi64(_mm_unpackhi_epi64(words, words)), 48))};
    }
    static void add_to_pairs(std::int64_t* pairs, const std::byte* places, V high, V low) {
        add_to_four_pairs(pairs, places, high.low, low.low);
        add_to_four_pairs(pairs, places + 16, high.high, low.high);
    }
    static void add_to_pair(std::int64_t* pairs, const std::byte* places, int lane, double high,
                            double low) {
        const __m128i shift = _mm_castpd_si128(_mm_set1_pd(0x1.8p52));
        add_pair(pairs + 2 * place(places, lane),
                 _mm_sub_epi64(_mm_castpd_si128(_mm_set_pd(low, high)), shift));
    }

    static void store_floats(float* p, V v) {
        _mm_storeu_ps(p, _mm256_cvtpd_ps(v.low));
        _mm_storeu_ps(p + 4, _mm256_cvtpd_ps(v.high));
    }
    static F all_floats(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
    static F load_floats(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
    static F fma(F a, F b, F c) {
        return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
    }
    static V first_half(F a) { return widened(a.low); }
    static V second_half(F a) { return widened(a.high); }

  private:
    static V widened(__m256 f) {
        return {_mm256_cvtps_pd(_mm256_castps256_ps128(f)),
                _mm256_cvtps_pd(_mm256_extractf128_ps(f, 1))};
    }
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
    static void add_to_four_pairs(std::int64_t* pairs, const std::byte* places, __m256d high,
                                  __m256d low) {
        const __m256i s = _mm256_castpd_si256(shift());
        const __m256i h = _mm256_sub_epi64(_mm256_castpd_si256(high), s);
        const __m256i l = _mm256_sub_epi64(_mm256_castpd_si256(low), s);
        const __m256i even = _mm256_unpacklo_epi64(h, l);
        const __m256i odd = _mm256_unpackhi_epi64(h, l);
        add_pair(pairs + 2 * place(places, 0), _mm256_castsi256_si128(even));
        add_pair(pairs + 2 * place(places, 1), _mm256_castsi256_si128(odd));
        add_pair(pairs + 2 * place(places, 2), _mm256_extracti128_si256(even, 1));
        add_pair(pairs + 2 * place(places, 3), _mm256_extracti128_si256(odd, 1));
    }
    // Added to an integer below 2^51 in magnitude, it leaves the integer in the last bits.
    static __m256d shift() { return _mm256_set1_pd(0x1.8p52); }
    static __m256i last_bits(__m256d integer) {
        return _mm256_sub_epi64(_mm256_castpd_si256(_mm256_add_pd(integer, shift())),
                                _mm256_castpd_si256(shift()));
    }
    template <int which>
    static __m256i halves(__m256i a, __m256i b) {
        return _mm256_castps_si256(
            _mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), which));
    }
    static __m256d power_of_two(__m256d exponent) {
        return _mm256_castsi256_pd(
            _mm256_slli_epi64(_mm256_add_epi64(last_bits(exponent), _mm256_set1_epi64x(1023)), 52));
    }
    // In two factors, since 2^e may be no normal number: the first product is exact.
    static __m256d scaled(__m256d m, __m256d exponent) {
        const __m256d e = _mm256_floor_pd(exponent);
        const __m256d half = _mm256_round_pd(_mm256_mul_pd(e, _mm256_set1_pd(0.5)),
                                             _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        return _mm256_mul_pd(_mm256_mul_pd(m, power_of_two(half)),
                             power_of_two(_mm256_sub_pd(e, half)));
    }
    static __m256d exponent(__m256d x) {
        const __m256i above =
            _mm256_sub_epi64(_mm256_castpd_si256(x), _mm256_set1_epi64x(0x3fe6a09e667f3bcd));
        // A small integer behind the bits of 2^52 is 2^52 plus that integer.
        const __m256i big = _mm256_castpd_si256(_mm256_set1_pd(0x1p52));
        return _mm256_sub_pd(
            _mm256_castsi256_pd(_mm256_or_si256(_mm256_srli_epi64(above, 52), big)),
            _mm256_set1_pd(0x1p52));
    }
    static void add_integers(std::int64_t* to, __m256d a) {
        auto* p = reinterpret_cast<__m256i*>(to);
        _mm256_storeu_si256(p, _mm256_add_epi64(_mm256_loadu_si256(p), last_bits(a)));
    }

    static __m128i half(const std::byte* p) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    }
    static __m128i quarter(const std::byte* p) {
        return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    }
    static V from_integers(__m256i integers) {
        return {_mm256_cvtepi32_pd(_mm256_castsi256_si128(integers)),
                _mm256_cvtepi32_pd(_mm256_extracti128_si256(integers, 1))};
    }
    template <typename Integer>
    static V one_by_one(const std::byte* p) {
        double wide[8];
        for (int l = 0; l < 8; ++l) {
            Integer integer;
            __builtin_memcpy(&integer, p + l * static_cast<int>(sizeof integer), sizeof integer);
            wide[l] = static_cast<double>(integer);
        }
        return load(wide);
    }
};

}  // namespace
}  // namespace paralogit::model
