#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "paralogit/model/batch_sums.hpp"

// Rows that sums of batches are made of.

namespace paralogit::model::testing {

/// Rows of floats on scales from 2^-20 to 2^20.
struct BatchRows {
    Index features;
    std::vector<float> values;
    std::vector<double> labels;
    std::vector<double> weights;

    BatchRows(Index rows, Index features_of_row);

    static int scale_exponent(Index j) { return static_cast<int>(j * 40 % 41) - 20; }
    std::vector<std::int16_t> exponents() const;
    double at(std::size_t i, Index j) const {
        return values[i * static_cast<std::size_t>(features) + static_cast<std::size_t>(j)];
    }
    PickedRows picked(const std::vector<std::size_t>& numbers) const;
    Index size() const { return std::ssize(labels); }
};

std::vector<std::size_t> numbers_up_to(Index count);

std::vector<double> coefficients_for(const BatchRows& rows);

BatchSums sums_for(const BatchRows& rows, Isa isa = best_isa());

std::vector<double> numbers_of(BatchSums& sums, Index features);

}  // namespace paralogit::model::testing
