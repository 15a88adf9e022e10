#include "paralogit/model/block_hessian.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "kernel_rows.hpp"
#include "paralogit/model/block_kernel.hpp"
#include "paralogit/model/column_scan.hpp"
#include "paralogit/model/exact_sum.hpp"
#include "strided_rows.hpp"

namespace paralogit::model {

double append_hessian_rows(const Block& block, Index thinning, std::span<const double> coefficients,
                           double intercept, const HessianFrame& frame, HessianPanel& panel,
                           Isa isa) {
    const Index features = block.features;
    const auto width = static_cast<std::size_t>(features);
    const Index rows = (block.rows + thinning - 1) / thinning;
    const auto row_bytes = static_cast<std::size_t>(features) * size_of(block.type);

    std::vector<double> widened(static_cast<std::size_t>(rows) * width);
    std::vector<double> weights(static_cast<std::size_t>(rows), 1.0);
    double weight_sum = 0;
    const StridedRows strided(block.values, row_bytes * static_cast<std::size_t>(thinning), rows);
    for (Index i = 0; i < rows; ++i) {
        strided.prefetch_ahead_of(i, row_bytes);
        const auto from = static_cast<std::size_t>(i * thinning);
        const auto to = static_cast<std::size_t>(i);
        widen_row(block.type, block.values + from * row_bytes,
                  std::span(widened).subspan(to * width, width));
        if (!block.row_weights.empty()) {
            weights[to] = block.row_weights[from];
        }
        weight_sum += weights[to];
    }

    const std::vector<std::uint8_t> no_labels(static_cast<std::size_t>(rows));
    const Block sampled{.type = ElementType::float64,
                        .values = reinterpret_cast<const std::byte*>(widened.data()),
                        .rows = rows,
                        .features = features,
                        .labels = std::span<const std::uint8_t>(no_labels),
                        .row_weights = weights,
                        .first_global_row = block.first_global_row};
    const std::size_t first = panel.curvatures.size();
    panel.curvatures.resize(first + static_cast<std::size_t>(rows));
    const std::span<double> curvatures = std::span(panel.curvatures).subspan(first);
    std::vector<double> scratch;
    block_curvatures(sampled, coefficients, intercept, curvatures, scratch, isa);

    const auto size = static_cast<std::size_t>(frame.padded_dimension());
    panel.rows.resize(panel.curvatures.size() * size, 0.0);
    for (std::size_t i = 0; i < curvatures.size(); ++i) {
        if (curvatures[i] == 0) {
            // It adds nothing, and without weight its values may lie outside all bounds.
            continue;
        }
        const double* from = widened.data() + i * width;
        double* to = panel.rows.data() + (first + i) * size;
        for (Index j = 0; j < features; ++j) {
            to[j] = (from[j] - frame.centre[j]) * frame.factor[j];
        }
        if (frame.has_intercept) {
            to[features] = 1;
        }
    }
    return weight_sum;
}

HessianSums::HessianSums(Index padded_dimension, std::int32_t weight_exponent, Index blocks,
                         Isa isa)
    : size_(padded_dimension),
      width_(exact_sum_width(blocks)),
      // sum s p (1 - p) |x'_j x'_k| <= sum s / 4, and a bit for rounding.
      exponent_(std::max(weight_exponent - 1, -900)),
      isa_(isa) {
    limbs_.resize(offset_of(strips()), 0);
}

std::size_t HessianSums::offset_of(Index strip) const {
    // The strips before it are size, size - 8, size - 16, ... wide.
    const Index widths = strip * size_ - strip_rows * (strip * (strip - 1) / 2);
    return static_cast<std::size_t>(2 * strip_rows * widths);
}

bool HessianSums::add(Index strip, const HessianPanel& panel, std::vector<double>& working) {
    const KernelTable& kernels = kernels_for(isa_);
    const Index first = strip * strip_rows;
    const Index width = size_ - first;
    const auto rows = std::ssize(panel.curvatures);
    working.assign(static_cast<std::size_t>(strip_rows * (size_ + rows)), 0.0);
    kernels.add_outer_strip({.rows = panel.rows.data(),
                             .curvatures = panel.curvatures.data(),
                             .count = rows,
                             .size = size_},
                            first, working.data() + strip_rows * size_, working.data());
    std::int64_t* high = limbs_.data() + offset_of(strip);
    std::int64_t* low = high + strip_rows * width;
    const double scale = std::ldexp(1.0, width_ - exponent_);
    const double limit = std::ldexp(1.0, width_);
    bool is_within = true;
    for (Index row = 0; row < strip_rows; ++row) {
        is_within &=
            kernels.add_limbs_of_one_scale(working.data() + row * size_ + first, scale, limit,
                                           width, high + row * width, low + row * width);
    }
    return is_within;
}

void HessianSums::add(const HessianSums& other) {
    std::ranges::transform(limbs_, other.limbs_, limbs_.begin(), std::plus<>());
}

double HessianSums::value(Index row, Index column) const {
    const Index strip = row / strip_rows;
    const Index first = strip * strip_rows;
    const Index width = size_ - first;
    const std::size_t at =
        offset_of(strip) + static_cast<std::size_t>((row - first) * width + column - first);
    return exact_sum_value(limbs_[at], limbs_[at + static_cast<std::size_t>(strip_rows * width)],
                           width_, exponent_);
}

}  // namespace paralogit::model
