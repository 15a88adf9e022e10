#include "hessian_examples.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace paralogit::model::testing {

OwnedBlock example_block(Index rows, Index features, bool is_weighted, std::uint64_t seed) {
    OwnedBlock block = random_block(rows, features, is_weighted, seed);
    take_small_integers(block);
    std::ranges::rotate(block.values, block.values.begin() +
                                          static_cast<std::ptrdiff_t>(seed % block.values.size()));
    for (std::size_t i = 0; i < block.row_weights.size(); i += 5) {
        block.row_weights[i] = 0;
    }
    return block;
}

OwnedSparseBlock sparse_of(const OwnedBlock& dense) {
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

HessianFrame example_frame(Index features, bool has_intercept) {
    return {.centre = Vector::Constant(features, 50),
            .factor = Vector::Constant(features, 1 / 50.0),
            .has_intercept = has_intercept};
}

std::vector<double> example_coefficients(Index features) {
    std::vector<double> w = random_values(features, 99);
    for (double& coefficient : w) {
        coefficient /= 30 * std::sqrt(static_cast<double>(features));
    }
    return w;
}

bool add_panel(HessianSums& sums, const HessianPanel& panel) {
    std::vector<double> working;
    bool is_within = true;
    for (Index strip = 0; strip < sums.strips(); ++strip) {
        is_within &= sums.add(strip, panel, working);
    }
    return is_within;
}

}  // namespace paralogit::model::testing
