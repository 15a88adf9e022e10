#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "paralogit/base/chunks.hpp"
#include "paralogit/optim/change_of_variables.hpp"
#include "paralogit/train/data_set.hpp"

namespace paralogit::train {

/// How far a product of the Hessian of sparse rows may be off, by about, when its entries are added
/// up by their high limbs alone: as a part of the length of the direction, both in the norms of the
/// Hessian's diagonal D [features, and the intercept's if there is one] by the variables of
/// `change`, penalty included, and its inverse. Where `of_loss` has the first features alone, so
/// has the Hessian. `unit` is that of the loss's curvatures.
///
/// An entry is off by half of 2^(E-W) at most, times a bound on all margins along the direction,
/// |b| + sum_j |v_j| r_j, r_j = max |x_j - c_j| / scale_j; that is at most the direction's length
/// times the root of sum_j r_j^2 / D_j. Errors of entries are independent, so those of a feature
/// grow as the root of their number. Infinite where D_j is 0.
template <typename OfPenalty>
double rounding_of_products(const DataSet& data, const optim::ChangeOfVariables& change,
                            const Vector& of_loss, const OfPenalty& of_penalty, double unit,
                            double weight_sum) {
    const Index features = of_loss.size() - (change.has_intercept ? 1 : 0);
    std::vector<double> steepest_of(static_cast<std::size_t>(features / chunk_size + 1));
    double reach = sum_of_chunks(features, data.execution.threads, [&](Range chunk) {
        double of_chunk = 0;
        double& steepest = steepest_of[static_cast<std::size_t>(chunk.first / chunk_size)];
        for (Index j = chunk.first; j < chunk.end; ++j) {
            const double scale = change.scale[j];
            if (scale == 0) {
                continue;
            }
            const auto at = static_cast<std::size_t>(j);
            const auto bits = static_cast<std::uint64_t>(data.bounds.value_exponents[at] + 1023)
                              << 52U;
            const double largest = std::bit_cast<double>(bits) + std::abs(change.centre[j]);
            const double inverse = 1 / (scale * scale * (of_loss[j] + of_penalty(j)));
            // What is not a number stays in the sum.
            of_chunk += largest * largest * inverse;
            steepest = std::max(steepest, inverse);
        }
        return of_chunk;
    });
    const double steepest = *std::ranges::max_element(steepest_of);
    if (change.has_intercept) {
        reach += 1 / of_loss[features];
    }
    const model::ScatterScale high = data.sparse->scale.of_high_limbs();
    const auto entries = static_cast<double>(data.manifest.entries_before_block.back());
    const double of_entry = std::ldexp(unit / weight_sum, high.exponent(0) - high.width());
    return of_entry * std::sqrt(entries * steepest) * std::sqrt(reach);
}

}  // namespace paralogit::train
