#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "paralogit/base/chunks.hpp"
#include "paralogit/optim/objective.hpp"

// Every reduction of this floor. Eigen's own begin at the first aligned element and sum in the
// width of its packets, so their bits depend on where a vector lies in memory and on the
// instruction set. Here the order is a function of the length alone.

namespace paralogit::optim {

using VectorView = Eigen::Ref<const Vector>;

/// sum_j term(j), 0 <= j < size. Element j goes to lane j mod 8, in rising j; the lanes are added
/// as ((0+4) + (2+6)) + ((1+5) + (3+7)).
template <typename Term>
double ordered_sum(Index size, const Term& term) {
    constexpr Index lanes = 8;
    std::array<double, lanes> sum{};
    const Index whole = size - size % lanes;
    for (Index begin = 0; begin < whole; begin += lanes) {
        for (Index lane = 0; lane < lanes; ++lane) {
            sum[static_cast<std::size_t>(lane)] += term(begin + lane);
        }
    }
    for (Index j = whole; j < size; ++j) {
        sum[static_cast<std::size_t>(j - whole)] += term(j);
    }
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

/// The same of each chunk, and these in their order, by several threads.
template <typename Term>
double ordered_sum_of_chunks(Index size, int threads, const Term& term) {
    return sum_of_chunks(size, threads, [&](Range chunk) {
        return ordered_sum(chunk.size(), [&](Index j) { return term(chunk.first + j); });
    });
}

/// sum_j a_j b_j. No fused multiply-add.
inline double dot(const VectorView& a, const VectorView& b) {
    const double* x = a.data();
    const double* y = b.data();
    return ordered_sum(a.size(), [x, y](Index j) { return x[j] * y[j]; });
}

/// sum_j weight_j a_j b_j.
inline double weighted_dot(const VectorView& weight, const VectorView& a, const VectorView& b) {
    const double* w = weight.data();
    const double* x = a.data();
    const double* y = b.data();
    return ordered_sum(a.size(), [w, x, y](Index j) { return w[j] * x[j] * y[j]; });
}

/// max_j |a_j|; 0 when empty; NaN when an element is NaN, which Eigen's maximum may drop.
inline double max_norm(const VectorView& a) {
    // As integers, sizes rise like the numbers, and NaN lies above all of them.
    constexpr std::uint64_t sign = std::uint64_t{1} << 63U;
    constexpr std::size_t lanes = 4;
    std::array<std::uint64_t, lanes> largest{};
    const double* const x = a.data();
    const Index whole = a.size() - a.size() % Index{lanes};
    for (Index j = 0; j < whole; j += Index{lanes}) {
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const auto size = std::bit_cast<std::uint64_t>(x[j + static_cast<Index>(lane)]) & ~sign;
            largest[lane] = std::max(largest[lane], size);
        }
    }
    for (Index j = whole; j < a.size(); ++j) {
        largest[0] = std::max(largest[0], std::bit_cast<std::uint64_t>(x[j]) & ~sign);
    }
    const double found = std::bit_cast<double>(*std::ranges::max_element(largest));
    return std::isnan(found) ? std::numeric_limits<double>::quiet_NaN() : found;
}

/// sqrt(a.a), without overflow or underflow on the way.
inline double euclidean_norm(const VectorView& a) {
    const double largest = max_norm(a);
    if (largest == 0 || !std::isfinite(largest)) {
        return largest;
    }
    const double* x = a.data();
    return largest * std::sqrt(ordered_sum(a.size(), [x, largest](Index j) {
               const double scaled = x[j] / largest;
               return scaled * scaled;
           }));
}

inline bool is_finite(const Evaluation& evaluation) {
    return std::isfinite(evaluation.value) && std::isfinite(max_norm(evaluation.gradient));
}

}  // namespace paralogit::optim
