#include "paralogit/model/block_hessian.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "kernel_rows.hpp"
#include "paralogit/model/block_kernel.hpp"
#include "paralogit/model/column_scan.hpp"
#include "paralogit/model/exact_sum.hpp"
#include "paralogit/model/sparse_kernel.hpp"
#include "strided_rows.hpp"
#include "widen.hpp"

namespace paralogit::model {

namespace {

/// Some rows of a block in double, with their weights.
struct WidenedRows {
    std::vector<double> values;  ///< [weights x features]
    std::vector<double> weights;
};

/// The rows 0, t, 2t, ...: `put_row(i, row)` puts row i into a row of zeros.
template <typename PutRow>
WidenedRows widened_rows(Index rows, Index features, std::span<const double> row_weights,
                         Index thinning, PutRow&& put_row) {
    const auto count = static_cast<std::size_t>((rows + thinning - 1) / thinning);
    const auto width = static_cast<std::size_t>(features);
    WidenedRows widened{.values = std::vector<double>(count * width),
                        .weights = std::vector<double>(count, 1.0)};
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t from = i * static_cast<std::size_t>(thinning);
        put_row(from, std::span(widened.values).subspan(i * width, width));
        if (!row_weights.empty()) {
            widened.weights[i] = row_weights[from];
        }
    }
    return widened;
}

/// A row of all features as the panel has it.
void put_row(const double* from, const HessianFrame& frame, double* to) {
    const Index columns = frame.centre.size();
    if (frame.features.empty()) {
        for (Index j = 0; j < columns; ++j) {
            to[j] = (from[j] - frame.centre[j]) * frame.factor[j];
        }
    } else {
        for (Index j = 0; j < columns; ++j) {
            const Index feature = frame.features[static_cast<std::size_t>(j)];
            to[j] = (from[feature] - frame.centre[j]) * frame.factor[j];
        }
    }
    if (frame.has_intercept) {
        to[columns] = 1;
    }
}

double append_rows(const WidenedRows& widened, Index features, std::span<const double> coefficients,
                   double intercept, const HessianFrame& frame, HessianPanel& panel, Isa isa) {
    const auto width = static_cast<std::size_t>(features);
    const std::size_t rows = widened.weights.size();
    const std::vector<std::uint8_t> no_labels(rows);
    const Block sampled{.type = ElementType::float64,
                        .values = reinterpret_cast<const std::byte*>(widened.values.data()),
                        .rows = static_cast<Index>(rows),
                        .features = features,
                        .labels = std::span<const std::uint8_t>(no_labels),
                        .row_weights = widened.weights,
                        .first_global_row = 0};
    const std::size_t first = panel.curvatures.size();
    panel.curvatures.resize(first + rows);
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
        put_row(widened.values.data() + i * width, frame, panel.rows.data() + (first + i) * size);
    }
    double weight_sum = 0;
    for (const double weight : widened.weights) {
        weight_sum += weight;
    }
    return weight_sum;
}

/// A sparse row of the features that are wanted: these and the row's entries both rise.
template <typename Values, typename Indices>
void put_sparse_row(const Values& values, const Indices& indices, Range entries,
                    const HessianFrame& frame, double* to) {
    const Index columns = frame.centre.size();
    Index entry = entries.first;
    for (Index column = 0; column < columns; ++column) {
        const Index feature = frame.features[static_cast<std::size_t>(column)];
        while (entry < entries.end && static_cast<Index>(indices[entry]) < feature) {
            ++entry;
        }
        const bool has_entry = entry < entries.end && static_cast<Index>(indices[entry]) == feature;
        const double value = has_entry ? static_cast<double>(values[entry]) : 0.0;
        to[column] = (value - frame.centre[column]) * frame.factor[column];
    }
    if (frame.has_intercept) {
        to[columns] = 1;
    }
}

/// Without rows of all features, which may be millions.
double append_some_features(const SparseBlock& block, Index thinning,
                            std::span<const double> coefficients, double intercept,
                            const HessianFrame& frame, HessianPanel& panel, Isa isa) {
    std::vector<double> curvatures(static_cast<std::size_t>(block.rows));
    block_curvatures(block, coefficients, intercept, curvatures, isa);
    const auto size = static_cast<std::size_t>(frame.padded_dimension());
    double weight_sum = 0;
    with_element_type(block.type, [&](auto type) {
        const Elements<type()> values(block.values);
        const Elements<ElementType::uint32> indices(block.indices);
        for (std::size_t i = 0; i < curvatures.size(); i += static_cast<std::size_t>(thinning)) {
            const std::size_t first = panel.rows.size();
            panel.rows.resize(first + size, 0.0);
            panel.curvatures.push_back(curvatures[i]);
            weight_sum += block.row_weights.empty() ? 1.0 : block.row_weights[i];
            // See append_rows.
            if (curvatures[i] != 0) {
                put_sparse_row(values, indices,
                               {.first = block.offsets[i], .end = block.offsets[i + 1]}, frame,
                               panel.rows.data() + first);
            }
        }
    });
    return weight_sum;
}

}  // namespace

double append_hessian_rows(const Block& block, Index thinning, std::span<const double> coefficients,
                           double intercept, const HessianFrame& frame, HessianPanel& panel,
                           Isa isa) {
    const auto row_bytes = static_cast<std::size_t>(block.features) * size_of(block.type);
    const StridedRows strided(block.values, row_bytes * static_cast<std::size_t>(thinning),
                              (block.rows + thinning - 1) / thinning);
    const WidenedRows rows =
        widened_rows(block.rows, block.features, block.row_weights, thinning,
                     [&](std::size_t i, std::span<double> row) {
                         strided.prefetch_ahead_of(static_cast<Index>(i) / thinning, row_bytes);
                         widen_row(block.type, block.values + i * row_bytes, row);
                     });
    return append_rows(rows, block.features, coefficients, intercept, frame, panel, isa);
}

double append_hessian_rows(const SparseBlock& block, Index thinning,
                           std::span<const double> coefficients, double intercept,
                           const HessianFrame& frame, HessianPanel& panel, Isa isa) {
    if (!frame.features.empty()) {
        return append_some_features(block, thinning, coefficients, intercept, frame, panel, isa);
    }
    const WidenedRows rows = with_element_type(block.type, [&](auto type) {
        const Elements<type()> values(block.values);
        const Elements<ElementType::uint32> indices(block.indices);
        return widened_rows(block.rows, block.features, block.row_weights, thinning,
                            [&](std::size_t i, std::span<double> row) {
                                for (Index k = block.offsets[i]; k < block.offsets[i + 1]; ++k) {
                                    row[static_cast<std::size_t>(indices[k])] = values[k];
                                }
                            });
    });
    return append_rows(rows, block.features, coefficients, intercept, frame, panel, isa);
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
