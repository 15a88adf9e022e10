#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "owned_block.hpp"
#include "owned_sparse_block.hpp"
#include "paralogit/model/block_hessian.hpp"

// Rows and frames that Hessians are made of, full and rough ones.

namespace paralogit::model::testing {

/// Small integers, some weights of them 0.
inline OwnedBlock example_block(Index rows, Index features, bool is_weighted, std::uint64_t seed) {
    OwnedBlock block = random_block(rows, features, is_weighted, seed);
    take_small_integers(block);
    std::ranges::rotate(block.values, block.values.begin() +
                                          static_cast<std::ptrdiff_t>(seed % block.values.size()));
    for (std::size_t i = 0; i < block.row_weights.size(); i += 5) {
        block.row_weights[i] = 0;
    }
    return block;
}

/// The rows of a dense block, without their zeros.
inline OwnedSparseBlock sparse_of(const OwnedBlock& dense) {
    OwnedSparseBlock sparse;
    sparse.features = dense.features;
    for (Index i = 0; i < dense.rows(); ++i) {
        std::vector<std::pair<std::uint32_t, double>> entries;
        for (Index j = 0; j < dense.features; ++j) {
            if (dense.at(i, j) != 0) {
                entries.emplace_back(static_cast<std::uint32_t>(j), dense.at(i, j));
            }
        }
        sparse.add_row(entries, 1);
    }
    sparse.row_weights = dense.row_weights;
    return sparse;
}

/// The frame that takes values from 0 to 100 to [-1, 1].
inline HessianFrame example_frame(Index features, bool has_intercept) {
    return {.centre = Vector::Constant(features, 50),
            .factor = Vector::Constant(features, 1 / 50.0),
            .has_intercept = has_intercept};
}

inline std::vector<double> example_coefficients(Index features) {
    std::vector<double> w = random_values(features, 99);
    for (double& coefficient : w) {
        coefficient /= 30 * std::sqrt(static_cast<double>(features));
    }
    return w;
}

inline constexpr double intercept = 0.3;

inline bool add_panel(HessianSums& sums, const HessianPanel& panel) {
    std::vector<double> working;
    bool is_within = true;
    for (Index strip = 0; strip < sums.strips(); ++strip) {
        is_within &= sums.add(strip, panel, working);
    }
    return is_within;
}

}  // namespace paralogit::model::testing
