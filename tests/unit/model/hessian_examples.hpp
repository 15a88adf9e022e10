#pragma once

#include <cstdint>
#include <vector>

#include "owned_block.hpp"
#include "owned_sparse_block.hpp"
#include "paralogit/model/block_hessian.hpp"

// Rows and frames that Hessians are made of, full and rough ones.

namespace paralogit::model::testing {

/// Small integers, some weights of them 0.
OwnedBlock example_block(Index rows, Index features, bool is_weighted, std::uint64_t seed);

/// The rows of a dense block, without their zeros.
OwnedSparseBlock sparse_of(const OwnedBlock& dense);

/// The frame that takes values from 0 to 100 to [-1, 1].
HessianFrame example_frame(Index features, bool has_intercept);

std::vector<double> example_coefficients(Index features);

inline constexpr double intercept = 0.3;

bool add_panel(HessianSums& sums, const HessianPanel& panel);

}  // namespace paralogit::model::testing
