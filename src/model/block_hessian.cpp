#include "paralogit/model/block_hessian.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include "kernel_rows.hpp"
#include "paralogit/model/block_kernel.hpp"
#include "paralogit/model/exact_sum.hpp"
#include "paralogit/model/sparse_kernel.hpp"
#include "paralogit/model/thinned_rows.hpp"
#include "widen.hpp"

namespace paralogit::model {

namespace {

using Working = HessianPanel::Working;

void take_weights(std::span<const double> row_weights, const ThinnedRows& rows, Working& working) {
    if (row_weights.empty()) {
        working.weights.assign(static_cast<std::size_t>(rows.size()), 1.0);
    } else {
        rows.take(row_weights, working.weights);
    }
}

/// The labels of the rows that are left, in working memory; zeros where curvatures do not depend on
/// them.
LabelView take_labels(const LabelView& labels, const ThinnedRows& rows, const Loss& loss,
                      Working& working) {
    if (!loss.is_focal()) {
        working.labels.assign(static_cast<std::size_t>(rows.size()), 0);
        return std::span<const std::uint8_t>(working.labels);
    }
    if (labels.hard() != nullptr) {
        rows.take(std::span(labels.hard(), labels.size()), working.labels);
        return std::span<const std::uint8_t>(working.labels);
    }
    rows.take(std::span(labels.soft(), labels.size()), working.soft_labels);
    return std::span<const double>(working.soft_labels);
}

/// The roots of the curvatures from `first` on, of a rough panel.
void take_roots(std::size_t first, HessianPanel& panel) {
    const double unit = std::ldexp(1.0, -*panel.rough_weight_exponent);
    panel.working.roots.clear();
    for (std::size_t row = first; row < panel.curvatures.size(); ++row) {
        panel.working.roots.push_back(std::sqrt(panel.curvatures[row] * unit));
    }
}

/// Row i goes to `panel` from `first` on. What `put_row(i, to)` puts is x'_i without the intercept.
template <typename PutRow>
void put_rows(const HessianFrame& frame, std::size_t first, HessianPanel& panel, PutRow&& put_row) {
    const bool is_rough = panel.rough_weight_exponent.has_value();
    const Index columns = frame.centre.size();
    const auto size = static_cast<std::size_t>(frame.padded_dimension());
    const auto stride = static_cast<std::size_t>(frame.rough_stride());
    if (is_rough) {
        take_roots(first, panel);
        panel.rough_rows.resize(panel.curvatures.size() * stride);
        panel.working.row.resize(size);
    } else {
        panel.rows.resize(panel.curvatures.size() * size);
    }
    for (std::size_t row = first; row < panel.curvatures.size(); ++row) {
        double* const to = is_rough ? panel.working.row.data() : panel.rows.data() + row * size;
        // A row of curvature 0 adds nothing, and without weight its values may lie outside all
        // bounds.
        const bool is_empty = panel.curvatures[row] == 0;
        std::fill(to + (is_empty ? 0 : columns), to + size, 0.0);
        if (!is_empty) {
            put_row(static_cast<Index>(row - first), to);
            if (frame.has_intercept) {
                to[columns] = 1;
            }
        }
        if (is_rough) {
            float* const rough = panel.rough_rows.data() + row * stride;
            const double root = panel.working.roots[row - first];
            std::transform(to, to + size, rough,
                           [root](double x) { return static_cast<float>(x * root); });
            std::fill(rough + size, rough + stride, 0.0F);
        }
    }
}

/// The rough rows of all features, in vectors.
void put_rough_rows(const Block& block, const HessianFrame& frame, std::size_t first,
                    HessianPanel& panel, Isa isa) {
    take_roots(first, panel);
    const auto stride = static_cast<std::size_t>(frame.rough_stride());
    panel.rough_rows.resize(panel.curvatures.size() * stride);
    kernels_for(isa).rough_rows(kernel_rows(block),
                                {.centre = frame.centre.data(),
                                 .factor = frame.factor.data(),
                                 .roots = panel.working.roots.data(),
                                 .has_intercept = frame.has_intercept,
                                 .stride = frame.rough_stride()},
                                scratch_for(block.features, panel.working.scratch),
                                panel.rough_rows.data() + first * stride);
}

/// Appends all rows of a block.
double append_rows(Block block, std::span<const double> coefficients, double intercept,
                   const HessianFrame& frame, HessianPanel& panel, Isa isa, const Loss& loss) {
    const auto rows = static_cast<std::size_t>(block.rows);
    Working& working = panel.working;
    block.row_weights = working.weights;
    const std::size_t first = panel.curvatures.size();
    panel.curvatures.resize(first + rows);
    block_curvatures(block, coefficients, intercept, std::span(panel.curvatures).subspan(first),
                     working.scratch, isa, loss);
    const bool has_all = frame.features.empty();
    if (panel.rough_weight_exponent && has_all) {
        put_rough_rows(block, frame, first, panel, isa);
    } else {
        const double* const centre = frame.centre.data();
        const double* const factor = frame.factor.data();
        with_element_type(block.type, [&](auto type) {
            const auto row_bytes = static_cast<std::size_t>(block.features) * size_of(type());
            put_rows(frame, first, panel, [&](Index i, double* to) {
                const Elements<type()> from(block.values + static_cast<std::size_t>(i) * row_bytes);
                const Index columns = frame.centre.size();
                if (has_all) {
                    for (Index j = 0; j < columns; ++j) {
                        to[j] = (from[j] - centre[j]) * factor[j];
                    }
                } else {
                    for (Index j = 0; j < columns; ++j) {
                        const Index feature = frame.features[static_cast<std::size_t>(j)];
                        to[j] = (from[feature] - centre[j]) * factor[j];
                    }
                }
            });
        });
    }
    double weight_sum = 0;
    for (const double weight : working.weights) {
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
}

/// Without rows of all features, which may be millions.
double append_some_features(const SparseBlock& block, const ThinnedRows& rows,
                            std::span<const double> coefficients, double intercept,
                            const HessianFrame& frame, HessianPanel& panel, Isa isa,
                            const Loss& loss) {
    std::vector<double> curvatures(static_cast<std::size_t>(block.rows));
    block_curvatures(block, coefficients, intercept, curvatures, isa, loss);
    const std::size_t first = panel.curvatures.size();
    double weight_sum = 0;
    for (Index i = 0; i < rows.size(); ++i) {
        const auto row = static_cast<std::size_t>(rows[i]);
        panel.curvatures.push_back(curvatures[row]);
        weight_sum += block.row_weights.empty() ? 1.0 : block.row_weights[row];
    }
    with_element_type(block.type, [&](auto type) {
        const Elements<type()> values(block.values);
        const Elements<ElementType::uint32> indices(block.indices);
        put_rows(frame, first, panel, [&](Index i, double* to) {
            const auto from = static_cast<std::size_t>(rows[i]);
            put_sparse_row(values, indices,
                           {.first = block.offsets[from], .end = block.offsets[from + 1]}, frame,
                           to);
        });
    });
    return weight_sum;
}

}  // namespace

double append_hessian_rows(const Block& block, Index thinning, std::span<const double> coefficients,
                           double intercept, const HessianFrame& frame, HessianPanel& panel,
                           Isa isa, const Loss& loss) {
    Working& working = panel.working;
    const ThinnedRows rows(block.first_global_row, block.rows, thinning);
    take_weights(block.row_weights, rows, working);
    Block chosen = block;
    chosen.labels = take_labels(block.labels, rows, loss, working);
    if (thinning > 1) {
        chosen.rows = rows.size();
        copy_rows(block, rows, working.values);
        chosen.values = working.values.data();
    }
    return append_rows(chosen, coefficients, intercept, frame, panel, isa, loss);
}

double append_hessian_rows(const SparseBlock& block, Index thinning,
                           std::span<const double> coefficients, double intercept,
                           const HessianFrame& frame, HessianPanel& panel, Isa isa,
                           const Loss& loss) {
    const ThinnedRows rows(block.first_global_row, block.rows, thinning);
    if (!frame.features.empty()) {
        return append_some_features(block, rows, coefficients, intercept, frame, panel, isa, loss);
    }
    Working& working = panel.working;
    take_weights(block.row_weights, rows, working);
    const auto width = static_cast<std::size_t>(block.features);
    const auto count = static_cast<std::size_t>(rows.size());
    std::vector<double> widened(count * width);
    with_element_type(block.type, [&](auto type) {
        const Elements<type()> values(block.values);
        const Elements<ElementType::uint32> indices(block.indices);
        for (std::size_t i = 0; i < count; ++i) {
            const auto from = static_cast<std::size_t>(rows[static_cast<Index>(i)]);
            for (Index k = block.offsets[from]; k < block.offsets[from + 1]; ++k) {
                widened[i * width + static_cast<std::size_t>(indices[k])] = values[k];
            }
        }
    });
    const Block chosen{.type = ElementType::float64,
                       .values = reinterpret_cast<const std::byte*>(widened.data()),
                       .rows = rows.size(),
                       .features = block.features,
                       .labels = take_labels(block.labels, rows, loss, working),
                       .row_weights = {},
                       .first_global_row = 0};
    return append_rows(chosen, coefficients, intercept, frame, panel, isa, loss);
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

bool HessianSums::add(Index strip, std::span<const double> panel_rows,
                      std::span<const double> weights, std::vector<double>& working) {
    const auto rows = std::ssize(weights);
    working.resize(static_cast<std::size_t>(strip_rows * (size_ + rows)));
    std::fill_n(working.begin(), strip_rows * size_, 0.0);
    kernels_for(isa_).add_outer_strip(
        {.rows = panel_rows.data(), .curvatures = weights.data(), .count = rows, .size = size_},
        strip * strip_rows, working.data() + strip_rows * size_, working.data());
    return add_sums(strip, working.data(), size_, 0);
}

bool HessianSums::add_rough(Index strip, const HessianPanel& panel, std::vector<double>& working) {
    const Index stride = size_ + strip_rows;
    working.assign(static_cast<std::size_t>(strip_rows * stride), 0.0);
    kernels_for(isa_).add_rough_strip(
        {.rows = panel.rough_rows.data(), .count = std::ssize(panel.curvatures), .stride = stride},
        strip * strip_rows, working.data());
    return add_sums(strip, working.data(), stride, *panel.rough_weight_exponent);
}

bool HessianSums::add_sums(Index strip, const double* sums, Index stride, int unit) {
    const Index first = strip * strip_rows;
    const Index width = size_ - first;
    std::int64_t* high = limbs_.data() + offset_of(strip);
    std::int64_t* low = high + strip_rows * width;
    const double scale = std::ldexp(1.0, width_ - exponent_ + unit);
    const double limit = std::ldexp(1.0, width_);
    bool is_within = true;
    for (Index row = 0; row < strip_rows; ++row) {
        is_within &=
            kernels_for(isa_).add_limbs_of_one_scale(sums + row * stride + first, scale, limit,
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
