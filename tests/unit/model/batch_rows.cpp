#include "batch_rows.hpp"

#include <cmath>
#include <random>

namespace paralogit::model::testing {

BatchRows::BatchRows(Index rows, Index features_of_row) : features(features_of_row) {
    std::mt19937_64 random(5);
    std::normal_distribution<double> normal;
    for (Index i = 0; i < rows; ++i) {
        for (Index j = 0; j < features; ++j) {
            values.push_back(static_cast<float>(std::ldexp(normal(random), scale_exponent(j))));
        }
        labels.push_back(i % 3 == 0 ? 1.0 : 0.0);
        weights.push_back(0.5 * static_cast<double>(i % 4));
    }
    // Whatever lies behind the last row.
    values.insert(values.end(), PickedRows::bytes_behind / sizeof(float), 7.0F);
}

std::vector<std::int16_t> BatchRows::exponents() const {
    std::vector<std::int16_t> exponents;
    for (Index j = 0; j < features; ++j) {
        exponents.push_back(static_cast<std::int16_t>(scale_exponent(j) + 5));
    }
    return exponents;
}

PickedRows BatchRows::picked(const std::vector<std::size_t>& numbers) const {
    PickedRows rows;
    rows.type = ElementType::float32;
    for (const std::size_t i : numbers) {
        rows.values.push_back(reinterpret_cast<const std::byte*>(
            values.data() + i * static_cast<std::size_t>(features)));
        rows.labels.push_back(labels[i]);
        rows.row_weights.push_back(weights[i]);
    }
    return rows;
}

std::vector<std::size_t> numbers_up_to(Index count) {
    std::vector<std::size_t> numbers(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        numbers[i] = i;
    }
    return numbers;
}

std::vector<double> coefficients_for(const BatchRows& rows) {
    std::vector<double> coefficients;
    for (Index j = 0; j < rows.features; ++j) {
        coefficients.push_back(
            std::ldexp(static_cast<double>(j % 5) - 2.0, -BatchRows::scale_exponent(j) - 2));
    }
    return coefficients;
}

BatchSums sums_for(const BatchRows& rows, Isa isa) {
    BatchSums sums(rows.exponents(), 2, rows.size(), 3, isa);
    sums.clear(10);
    return sums;
}

std::vector<double> numbers_of(BatchSums& sums, Index features) {
    std::vector<double> numbers{sums.slopes(), sums.loss()};
    for (Index j = 0; j < features; ++j) {
        numbers.push_back(sums.slopes_times_feature(j));
    }
    return numbers;
}

}  // namespace paralogit::model::testing
