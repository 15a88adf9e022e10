#include "paralogit/model/block_hessian.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include "kernel_rows.hpp"
#include "paralogit/model/block_kernel.hpp"
#include "paralogit/model/exact_sum.hpp"
#include "paralogit/model/sparse_kernel.hpp"
#include "strided_rows.hpp"
#include "widen.hpp"

namespace paralogit::model {

namespace {

using Working = HessianPanel::Working;

Index thinned_count(Index rows, Index thinning) {
    return (rows + thinning - 1) / thinning;
}

/// The weights of the rows 0, t, 2t, ..., into working memory.
void take_weights(std::span<const double> row_weights, Index rows, Index thinning,
                  Working& working) {
    const auto count = static_cast<std::size_t>(thinned_count(rows, thinning));
    working.weights.assign(count, 1.0);
    if (!row_weights.empty()) {
        for (std::size_t i = 0; i < count; ++i) {
            working.weights[i] = row_weights[i * static_cast<std::size_t>(thinning)];
        }
    }
}

/// The labels of the rows 0, t, 2t, ..., in working memory; zeros where curvatures do not depend on
/// them.
LabelView take_labels(const LabelView& labels, Index rows, Index thinning, const Loss& loss,
                      Working& working) {
    const auto count = static_cast<std::size_t>(thinned_count(rows, thinning));
    const auto step = static_cast<std::size_t>(thinning);
    if (!loss.is_focal() || labels.hard() != nullptr) {
        working.labels.assign(count, 0);
        for (std::size_t i = 0; loss.is_focal() && i < count; ++i) {
            working.labels[i] = labels.hard()[i * step];
        }
        return std::span<const std::uint8_t>(working.labels);
    }
    working.soft_labels.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        working.soft_labels[i] = labels[i * step];
    }
    return std::span<const double>(working.soft_labels);
}

/// Row i goes to `panel` from `first` on. What `put_row(i, to)` puts is x'_i without the intercept.
template <typename PutRow>
void put_rows(const HessianFrame& frame, std::size_t first, HessianPanel& panel, PutRow&& put_row) {
    const Index columns = frame.centre.size();
    const auto size = static_cast<std::size_t>(frame.padded_dimension());
    panel.rows.resize(panel.curvatures.size() * size);
    for (std::size_t row = first; row < panel.curvatures.size(); ++row) {
        double* const to = panel.rows.data() + row * size;
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
    }
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
    const double* const centre = frame.centre.data();
    const double* const factor = frame.factor.data();
    with_element_type(block.type, [&](auto type) {
        const auto row_bytes = static_cast<std::size_t>(block.features) * size_of(type());
        put_rows(frame, first, panel, [&](Index i, double* to) {
            const Elements<type()> from(block.values + static_cast<std::size_t>(i) * row_bytes);
            const Index columns = frame.centre.size();
            if (frame.features.empty()) {
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
double append_some_features(const SparseBlock& block, Index thinning,
                            std::span<const double> coefficients, double intercept,
                            const HessianFrame& frame, HessianPanel& panel, Isa isa,
                            const Loss& loss) {
    std::vector<double> curvatures(static_cast<std::size_t>(block.rows));
    block_curvatures(block, coefficients, intercept, curvatures, isa, loss);
    const std::size_t first = panel.curvatures.size();
    double weight_sum = 0;
    for (std::size_t i = 0; i < curvatures.size(); i += static_cast<std::size_t>(thinning)) {
        panel.curvatures.push_back(curvatures[i]);
        weight_sum += block.row_weights.empty() ? 1.0 : block.row_weights[i];
    }
    with_element_type(block.type, [&](auto type) {
        const Elements<type()> values(block.values);
        const Elements<ElementType::uint32> indices(block.indices);
        put_rows(frame, first, panel, [&](Index i, double* to) {
            const auto from = static_cast<std::size_t>(i * thinning);
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
    take_weights(block.row_weights, block.rows, thinning, working);
    Block chosen = block;
    chosen.labels = take_labels(block.labels, block.rows, thinning, loss, working);
    if (thinning > 1) {
        const auto row_bytes = static_cast<std::size_t>(block.features) * size_of(block.type);
        const std::size_t stride = row_bytes * static_cast<std::size_t>(thinning);
        chosen.rows = thinned_count(block.rows, thinning);
        const StridedRows strided(block.values, stride, chosen.rows);
        working.values.resize(static_cast<std::size_t>(chosen.rows) * row_bytes);
        for (Index i = 0; i < chosen.rows; ++i) {
            const auto row = static_cast<std::size_t>(i);
            strided.prefetch_ahead_of(i, row_bytes);
            std::memcpy(working.values.data() + row * row_bytes, block.values + row * stride,
                        row_bytes);
        }
        chosen.values = working.values.data();
    }
    return append_rows(chosen, coefficients, intercept, frame, panel, isa, loss);
}

double append_hessian_rows(const SparseBlock& block, Index thinning,
                           std::span<const double> coefficients, double intercept,
                           const HessianFrame& frame, HessianPanel& panel, Isa isa,
                           const Loss& loss) {
    if (!frame.features.empty()) {
        return append_some_features(block, thinning, coefficients, intercept, frame, panel, isa,
                                    loss);
    }
    Working& working = panel.working;
    take_weights(block.row_weights, block.rows, thinning, working);
    const auto width = static_cast<std::size_t>(block.features);
    const auto rows = static_cast<std::size_t>(thinned_count(block.rows, thinning));
    std::vector<double> widened(rows * width);
    with_element_type(block.type, [&](auto type) {
        const Elements<type()> values(block.values);
        const Elements<ElementType::uint32> indices(block.indices);
        for (std::size_t i = 0; i < rows; ++i) {
            const std::size_t from = i * static_cast<std::size_t>(thinning);
            for (Index k = block.offsets[from]; k < block.offsets[from + 1]; ++k) {
                widened[i * width + static_cast<std::size_t>(indices[k])] = values[k];
            }
        }
    });
    const Block chosen{.type = ElementType::float64,
                       .values = reinterpret_cast<const std::byte*>(widened.data()),
                       .rows = static_cast<Index>(rows),
                       .features = block.features,
                       .labels = take_labels(block.labels, block.rows, thinning, loss, working),
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
    const KernelTable& kernels = kernels_for(isa_);
    const Index first = strip * strip_rows;
    const Index width = size_ - first;
    const auto rows = std::ssize(weights);
    working.resize(static_cast<std::size_t>(strip_rows * (size_ + rows)));
    std::fill_n(working.begin(), strip_rows * size_, 0.0);
    kernels.add_outer_strip(
        {.rows = panel_rows.data(), .curvatures = weights.data(), .count = rows, .size = size_},
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
