#pragma once

#include <array>
#include <cstdint>

namespace paralogit::data {

/// Philox4x32-10: 128 random bits as a function of a counter and a key, without state.
/// Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as
/// 1, 2, 3", SC 2011.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key);

/// The quantile of the standard normal distribution at p in (0, 1), to about 16 digits.
/// Source: M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution",
/// Applied Statistics 37 (1988), PPND16. Made of correctly rounded operations and own functions, so
/// every machine gives the same bits.
double normal_quantile(double p);

/// 52 of the bits as a number in (0, 1), symmetric about 1/2.
double open_unit(std::uint64_t bits);

/// The bits of the IEEE binary16 number nearest to a value, ties to even; infinity beyond its
/// range.
std::uint16_t to_float16(double value);

}  // namespace paralogit::data
