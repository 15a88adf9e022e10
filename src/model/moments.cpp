#include "paralogit/model/moments.hpp"

#include <bit>
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
            if (weight == 0) {
                // Its values may lie outside all bounds.
                continue;
            }
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

std::uint64_t block_hash(const Block& block) {
    // The finaliser of Steele, Lea and Flood (2014), SplitMix64.
    const auto mixed = [](std::uint64_t hash) {
        hash = (hash ^ (hash >> 30U)) * 0xbf58476d1ce4e5b9U;
        hash = (hash ^ (hash >> 27U)) * 0x94d049bb133111ebU;
        return hash ^ (hash >> 31U);
    };
    const auto bits = [](double value) { return std::bit_cast<std::uint64_t>(value + 0.0); };
    std::uint64_t sum = 0;
    with_element_type(block.type, [&](auto type) {
        const Elements<type()> values(block.values);
        for (Index i = 0; i < block.rows; ++i) {
            const auto position = static_cast<std::size_t>(i);
            const double weight = block.row_weights.empty() ? 1.0 : block.row_weights[position];
            std::uint64_t hash = mixed(static_cast<std::uint64_t>(block.first_global_row + i));
            hash = mixed(hash ^ bits(block.labels[position])) ^ bits(weight);
            const Elements<type()> row = values.from(i * block.features);
            for (Index j = 0; j < block.features; ++j) {
                hash = (hash ^ bits(row[j])) * 0x9e3779b97f4a7c15U;
                hash ^= hash >> 32U;
            }
            sum += mixed(hash);
        }
    });
    return sum;
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
