#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <span>

#include "paralogit/base/chunks.hpp"
#include "paralogit/model/column_bounds.hpp"

namespace paralogit::train {

/// |b| + sum_j |w_j| max |x_j|: no row of positive weight has a margin beyond it.
inline double margin_bound(std::span<const double> coefficients, double intercept,
                           const model::ColumnBounds& bounds, int threads = 1) {
    const auto term = [&](std::size_t j) {
        const auto power = static_cast<std::uint64_t>(bounds.value_exponents[j] + 1023) << 52U;
        return std::abs(coefficients[j]) * std::bit_cast<double>(power);
    };
    const auto of_chunk = [&](Range chunk) {
        // Several sums, for each addition waits for the one before.
        constexpr std::size_t lanes = 8;
        std::array<double, lanes> bound{};
        const auto end = static_cast<std::size_t>(chunk.end);
        auto j = static_cast<std::size_t>(chunk.first);
        for (; j + lanes <= end; j += lanes) {
            for (std::size_t lane = 0; lane < lanes; ++lane) {
                bound[lane] += term(j + lane);
            }
        }
        for (; j < end; ++j) {
            bound[0] += term(j);
        }
        return ((bound[0] + bound[4]) + (bound[2] + bound[6])) +
               ((bound[1] + bound[5]) + (bound[3] + bound[7]));
    };
    return std::abs(intercept) + sum_of_chunks(std::ssize(coefficients), threads, of_chunk);
}

}  // namespace paralogit::train
