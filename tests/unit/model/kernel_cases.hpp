#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "paralogit/model/block_kernel.hpp"
#include "unit/model/owned_block.hpp"

namespace paralogit::model::testing {

/// The product at parameters, by way of the curvatures there.
void multiply_block_hessian(const Block& block, std::span<const double> w, double b,
                            std::span<const double> v, double v0, BlockSums& sums,
                            Isa isa = best_isa());

BlockSums evaluated(const Block& block, const std::vector<double>& coefficients, double intercept,
                    Isa isa = best_isa());

inline std::uint64_t bits(double value) {
    return std::bit_cast<std::uint64_t>(value);
}

void expect_same_bits(const Vector& found, const Vector& expected);

void expect_same_sums(const BlockSums& found, const BlockSums& expected);

enum class Weights { none, mixed, ones };

/// Weights 0, 1 and fractions in any order.
void take_weights(OwnedBlock& block, Weights weights);

void take_soft_labels(OwnedBlock& block);

/// Coefficients that make margins between -4 and 4 or so of values up to 100.
std::vector<double> small_coefficients(Index features, std::uint64_t seed);

}  // namespace paralogit::model::testing
