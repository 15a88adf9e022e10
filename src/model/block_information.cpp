#include "paralogit/model/block_information.hpp"

#include <utility>

#include "paralogit/model/loss.hpp"
#include "paralogit/model/math.hpp"
#include "widen.hpp"

namespace paralogit::model {

namespace {

/// `put_row(i, row)` puts row i of the block into a row of zeros.
template <typename AnyBlock, typename PutRow>
void fill(const AnyBlock& block, std::span<const double> margins, const HessianFrame& frame,
          double weight_unit, InformationPanel& panel, const PutRow& put_row) {
    const auto rows = static_cast<std::size_t>(block.rows);
    const auto features = static_cast<std::size_t>(block.features);
    const auto size = static_cast<std::size_t>(frame.padded_dimension());
    panel = {.rows = std::move(panel.rows),
             .curvatures = std::move(panel.curvatures),
             .squared_slopes = std::move(panel.squared_slopes)};
    panel.rows.assign(rows * size, 0.0);
    panel.curvatures.assign(rows, 0.0);
    panel.squared_slopes.assign(rows, 0.0);
    for (std::size_t i = 0; i < rows; ++i) {
        const double weight =
            (block.row_weights.empty() ? 1.0 : block.row_weights[i]) / weight_unit;
        if (weight == 0) {
            continue;
        }
        const double label = block.labels[i];
        const auto [loss, slope] = binary_cross_entropy(label, margins[i]);
        // Both factors keep their digits where the other one is near 1.
        const double p = binary_cross_entropy(0, margins[i]).slope;
        const double rest = -binary_cross_entropy(1, margins[i]).slope;
        panel.curvatures[i] = weight * (p * rest);
        panel.squared_slopes[i] = (weight * slope) * (weight * slope);
        panel.weight += weight;
        panel.loss += weight * loss;
        panel.lowest_loss += weight * lowest_loss(label);
        panel.positive_weight += weight * label;
        ++panel.counted_rows;

        const std::span<double> row = std::span(panel.rows).subspan(i * size, size);
        put_row(i, row.first(features));
        for (std::size_t j = 0; j < features; ++j) {
            const auto feature = static_cast<Index>(j);
            row[j] = (row[j] - frame.centre[feature]) * frame.factor[feature];
        }
        if (frame.has_intercept) {
            row[features] = 1;
        }
    }
}

}  // namespace

void fill_information_panel(const Block& block, std::span<const double> margins,
                            const HessianFrame& frame, double weight_unit,
                            InformationPanel& panel) {
    with_element_type(block.type, [&](auto type) {
        const Elements<type()> values(block.values);
        fill(block, margins, frame, weight_unit, panel, [&](std::size_t i, std::span<double> row) {
            const Index first = static_cast<Index>(i) * block.features;
            for (Index j = 0; j < block.features; ++j) {
                row[static_cast<std::size_t>(j)] = values[first + j];
            }
        });
    });
}

void fill_information_panel(const SparseBlock& block, std::span<const double> margins,
                            const HessianFrame& frame, double weight_unit,
                            InformationPanel& panel) {
    with_element_type(block.type, [&](auto type) {
        const Elements<type()> values(block.values);
        const Elements<ElementType::uint32> indices(block.indices);
        fill(block, margins, frame, weight_unit, panel, [&](std::size_t i, std::span<double> row) {
            for (Index k = block.offsets[i]; k < block.offsets[i + 1]; ++k) {
                row[static_cast<std::size_t>(indices[k])] = values[k];
            }
        });
    });
}

double lowest_loss(double label) {
    const auto term = [](double share) {
        return share > 0 ? -share * log_of_positive(share) : 0.0;
    };
    return label == 0 || label == 1 ? 0.0 : term(label) + term(1 - label);
}

}  // namespace paralogit::model
