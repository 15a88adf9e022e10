#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#include "../widen.hpp"

/// Nothing is gained here from one large function, and the compiler would be at it for minutes.
#define PARALOGIT_WHOLE_KERNEL

namespace paralogit::model {
namespace {

/// Eight doubles side by side, in plain C++: what the other Lanes must equal bit for bit. Each
/// operation rounds once, as IEEE 754 has it.
struct Lanes {
    struct V {
        double lane[8];
    };
    using M = std::uint8_t;  ///< a bit per lane
    /// Sixteen floats, for what need not be exact.
    struct F {
        float lane[16];
    };

    /// Vectors that a loop over features keeps in registers.
    static constexpr int features_at_once = 2;
    static constexpr int rows_at_once = 4;
    static constexpr int groups_at_once = 1;

    template <typename Function>
    static V each(Function&& function) {
        V v;
        for (int l = 0; l < 8; ++l) {
            v.lane[l] = function(l);
        }
        return v;
    }
    template <typename Function>
    static M each_bit(Function&& function) {
        unsigned bits = 0;
        for (int l = 0; l < 8; ++l) {
            bits |= (function(l) ? 1U : 0U) << l;
        }
        return static_cast<M>(bits);
    }

    static V all(double x) {
        return each([&](int) { return x; });
    }
    static V load(const double* p) {
        return each([&](int l) { return p[l]; });
    }
    static void store(double* p, V v) {
        for (int l = 0; l < 8; ++l) {
            p[l] = v.lane[l];
        }
    }
    static V load_bytes(const std::uint8_t* p) {
        return each([&](int l) { return static_cast<double>(p[l]); });
    }
    template <ElementType type>
    static V widen(const std::byte* p) {
        const Elements<type> elements(p);
        return each([&](int l) { return elements[l]; });
    }

    static V add(V a, V b) {
        return each([&](int l) { return a.lane[l] + b.lane[l]; });
    }
    static V sub(V a, V b) {
        return each([&](int l) { return a.lane[l] - b.lane[l]; });
    }
    static V mul(V a, V b) {
        return each([&](int l) { return a.lane[l] * b.lane[l]; });
    }
    static V div(V a, V b) {
        return each([&](int l) { return a.lane[l] / b.lane[l]; });
    }
    /// a b + c, rounded once.
    static V fma(V a, V b, V c) {
        return each([&](int l) { return std::fma(a.lane[l], b.lane[l], c.lane[l]); });
    }
    /// c - a b, rounded once.
    static V fnma(V a, V b, V c) {
        return each([&](int l) { return std::fma(-a.lane[l], b.lane[l], c.lane[l]); });
    }
    /// b where a is NaN or equal.
    static V max(V a, V b) {
        return each([&](int l) { return a.lane[l] > b.lane[l] ? a.lane[l] : b.lane[l]; });
    }
    static V absolute(V a) {
        return each([&](int l) { return std::fabs(a.lane[l]); });
    }
    static V negative(V a) {
        return each([&](int l) { return -a.lane[l]; });
    }
    /// With the last bit of the significand set.
    static V made_odd(V a) {
        return each([&](int l) {
            return __builtin_bit_cast(
                double, __builtin_bit_cast(std::uint64_t, a.lane[l]) | std::uint64_t{1});
        });
    }
    /// -|a|
    static V not_positive(V a) {
        return each([&](int l) { return -std::fabs(a.lane[l]); });
    }
    /// -a where b has the sign bit, else a.
    static V times_sign(V a, V b) {
        return each([&](int l) { return std::signbit(b.lane[l]) ? -a.lane[l] : a.lane[l]; });
    }

    static M has_sign(V a) {
        return each_bit([&](int l) { return std::signbit(a.lane[l]); });
    }
    static M less(V a, V b) {
        return each_bit([&](int l) { return a.lane[l] < b.lane[l]; });
    }
    static M equal(V a, V b) {
        return each_bit([&](int l) { return a.lane[l] == b.lane[l]; });
    }
    static M both(M a, M b) { return a & b; }
    static M either(M a, M b) { return a | b; }
    static int count(M m) { return std::popcount(m); }
    static V select(M m, V yes, V no) {
        return each([&](int l) { return ((m >> l) & 1) != 0 ? yes.lane[l] : no.lane[l]; });
    }

    /// table[8 (shifted - 1.5 2^49) mod 8], where shifted is near 1.5 2^49, so that its last place
    /// is 1/8; for a NaN any of the table.
    static V pick(const double (&table)[8], V shifted) {
        return each(
            [&](int l) { return table[std::bit_cast<std::uint64_t>(shifted.lane[l]) % 8]; });
    }
    /// m 2^floor(e) for eighths e in [-1100, 0] and m in [1/2, 2], rounded once.
    static V scaled(V m, V e) {
        // In two factors, since the power may be no normal number: the first product is exact. For
        // a NaN the factors are of no account.
        return each([&](int l) {
            const std::uint64_t eighths = std::bit_cast<std::uint64_t>(e.lane[l] + 0x1.8p49) -
                                          std::bit_cast<std::uint64_t>(0x1.8p49);
            const auto exponent = static_cast<std::int64_t>(eighths) >> 3;
            const auto half = exponent >> 1;
            return m.lane[l] * power_of_two(half) * power_of_two(exponent - half);
        });
    }
    /// The binary exponent of x > 0.7, such that x / 2^e lies in [sqrt(1/2), sqrt(2)).
    static V exponent(V x) {
        return each([&](int l) {
            return static_cast<double>(
                (std::bit_cast<std::uint64_t>(x.lane[l]) - 0x3fe6a09e667f3bcdU) >> 52U);
        });
    }
    /// x / 2^e for a normal result.
    static V unscaled(V x, V e) {
        return each([&](int l) {
            return std::bit_cast<double>(
                std::bit_cast<std::uint64_t>(x.lane[l]) -
                (static_cast<std::uint64_t>(static_cast<std::int64_t>(e.lane[l])) << 52U));
        });
    }

    /// Lane i is what the lanes of rows[i] are combined to: ((0+4)+(2+6)) + ((1+5)+(3+7)).
    template <typename Combine>
    static V folded(const V (&rows)[8], Combine&& combine) {
        const auto both = [&](int a, int b) {
            return combine(each([&](int i) { return rows[i].lane[a]; }),
                           each([&](int i) { return rows[i].lane[b]; }));
        };
        return combine(combine(both(0, 4), both(2, 6)), combine(both(1, 5), both(3, 7)));
    }
    static V sums_of(const V (&rows)[8]) { return folded(rows, add); }

    /// Adds nearest integers of a, ties to even, to eight integers; |a| <= 2^51.
    static void add_integers(std::int64_t* to, V a) {
        for (int l = 0; l < 8; ++l) {
            to[l] += static_cast<std::int64_t>(a.lane[l]);
        }
    }

    /// Eight doubles at places of 32 bits.
    static V gather(const double* from, const std::byte* places) {
        return each([&](int l) { return from[place(places, l)]; });
    }
    /// Eight doubles of which the leading 16 bits are kept, the others being 0.
    static V gather_leading(const std::uint16_t* from, const std::byte* places) {
        return each([&](int l) {
            return std::bit_cast<double>(std::uint64_t{from[place(places, l)]} << 48U);
        });
    }
    /// Adds nearest integers to pairs of integers at places of 32 bits, given as the integers plus
    /// 0x1.8p52; wraps around.
    static void add_to_pairs(std::int64_t* pairs, const std::byte* places, V high, V low) {
        for (int l = 0; l < 8; ++l) {
            add_to_pair(pairs, places, l, high.lane[l], low.lane[l]);
        }
    }
    static void add_to_pair(std::int64_t* pairs, const std::byte* places, int lane, double high,
                            double low) {
        constexpr auto shift = std::bit_cast<std::uint64_t>(0x1.8p52);
        std::int64_t* pair = pairs + 2 * place(places, lane);
        pair[0] = static_cast<std::int64_t>(static_cast<std::uint64_t>(pair[0]) +
                                            std::bit_cast<std::uint64_t>(high) - shift);
        pair[1] = static_cast<std::int64_t>(static_cast<std::uint64_t>(pair[1]) +
                                            std::bit_cast<std::uint64_t>(low) - shift);
    }

    /// Rounded to eight floats.
    static void store_floats(float* p, V v) {
        for (int l = 0; l < 8; ++l) {
            p[l] = static_cast<float>(v.lane[l]);
        }
    }
    static F all_floats(float x) {
        return each_float([&](int) { return x; });
    }
    static F load_floats(const float* p) {
        return each_float([&](int l) { return p[l]; });
    }
    static F fma(F a, F b, F c) {
        return each_float([&](int l) { return std::fma(a.lane[l], b.lane[l], c.lane[l]); });
    }
    static V first_half(F a) {
        return each([&](int l) { return static_cast<double>(a.lane[l]); });
    }
    static V second_half(F a) {
        return each([&](int l) { return static_cast<double>(a.lane[8 + l]); });
    }

  private:
    template <typename Function>
    static F each_float(Function&& function) {
        F v;
        for (int l = 0; l < 16; ++l) {
            v.lane[l] = function(l);
        }
        return v;
    }
    static std::size_t place(const std::byte* places, int lane) {
        std::uint32_t place;
        std::memcpy(&place, places + 4 * lane, sizeof place);
        return place;
    }
    static double power_of_two(std::int64_t exponent) {
        return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52U);
    }
};

}  // namespace
}  // namespace paralogit::model
