#include "kernel_cases.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <iterator>

namespace paralogit::model::testing {

void multiply_block_hessian(const Block& block, std::span<const double> w, double b,
                            std::span<const double> v, double v0, BlockSums& sums, Isa isa) {
    std::vector<double> curvatures(static_cast<std::size_t>(block.rows));
    std::vector<double> scratch;
    block_curvatures(block, w, b, curvatures, scratch, isa);
    model::multiply_block_hessian(block, curvatures, v, v0, sums, isa);
}

BlockSums evaluated(const Block& block, const std::vector<double>& coefficients, double intercept,
                    Isa isa) {
    BlockSums sums;
    evaluate_block(block, coefficients, intercept, sums, isa);
    return sums;
}

void expect_same_bits(const Vector& found, const Vector& expected) {
    ASSERT_EQ(found.size(), expected.size());
    for (Index j = 0; j < found.size(); ++j) {
        ASSERT_EQ(bits(found[j]), bits(expected[j]))
            << found[j] << " for " << expected[j] << " at " << j;
    }
}

void expect_same_sums(const BlockSums& found, const BlockSums& expected) {
    expect_same_bits(found.slopes_times_features, expected.slopes_times_features);
    EXPECT_EQ(bits(found.slopes), bits(expected.slopes))
        << found.slopes << " for " << expected.slopes;
    EXPECT_EQ(bits(found.loss), bits(expected.loss)) << found.loss << " for " << expected.loss;
    EXPECT_EQ(found.rows_wrong, expected.rows_wrong);
}

void take_weights(OwnedBlock& block, Weights weights) {
    block.row_weights.clear();
    constexpr double cycle[] = {1, 0, 0.5, 1, 1, 2.75, 0, 1, 1e-3, 1, 3};
    for (std::size_t i = 0; i < block.labels.size() && weights != Weights::none; ++i) {
        block.row_weights.push_back(weights == Weights::ones ? 1 : cycle[i % std::size(cycle)]);
    }
}

void take_soft_labels(OwnedBlock& block) {
    constexpr double cycle[] = {0.25, 1, 0, 0.9, 1e-9, 1, 0.5};
    for (std::size_t i = 0; i < block.labels.size(); ++i) {
        block.labels[i] = cycle[i % std::size(cycle)];
    }
}

std::vector<double> small_coefficients(Index features, std::uint64_t seed) {
    std::vector<double> w = random_values(features, seed);
    for (double& coefficient : w) {
        coefficient /= 30 * std::sqrt(static_cast<double>(features));
    }
    return w;
}

}  // namespace paralogit::model::testing
