#include "paralogit/model/moments.hpp"

#include <cmath>

#include "widen.hpp"

namespace paralogit::model {

void block_moments(const Block& block, std::span<const double> origin,
                   std::span<const std::int32_t> exponents, BlockMoments& moments) {
    // Normal numbers: no exponent exceeds 1000, for larger values are refused before.
    Vector unit(block.features);
    for (Index j = 0; j < block.features; ++j) {
        unit[j] = std::ldexp(1.0, -exponents[static_cast<std::size_t>(j)]);
    }
    moments.deviations.setZero(block.features);
    moments.squared_deviations.setZero(block.features);
    moments.label_deviations.setZero(block.features);
    moments.weights = 0;
    moments.weighted_labels = 0;
    with_element_type(block.type, [&](auto type) {
        const Elements<type()> values(block.values);
        const bool is_weighted = !block.row_weights.empty();
        for (Index i = 0; i < block.rows; ++i) {
            const auto position = static_cast<std::size_t>(i);
            const Elements<type()> row = values.from(i * block.features);
            const double weight = is_weighted ? block.row_weights[position] : 1.0;
            const double label = block.labels[position];
            const double label_factor = weight * (label - 0.5);
            moments.weights += weight;
            moments.weighted_labels = std::fma(weight, label, moments.weighted_labels);
            for (Index j = 0; j < block.features; ++j) {
                const double deviation = row[j] - origin[static_cast<std::size_t>(j)];
                double& squares = moments.squared_deviations[j];
                moments.deviations[j] = std::fma(weight, deviation, moments.deviations[j]);
                const double scaled = deviation * unit[j];
                squares = std::fma(weight * scaled, scaled, squares);
                moments.label_deviations[j] =
                    std::fma(label_factor, deviation, moments.label_deviations[j]);
            }
        }
    });
}

void widen_row(ElementType type, const std::byte* values, std::span<double> row) {
    with_element_type(type, [&](auto t) {
        const Elements<t()> elements(values);
        for (std::size_t j = 0; j < row.size(); ++j) {
            row[j] = elements[static_cast<Index>(j)];
        }
    });
}

}  // namespace paralogit::model
