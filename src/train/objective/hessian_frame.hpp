#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "paralogit/model/block_hessian.hpp"
#include "paralogit/model/column_bounds.hpp"
#include "paralogit/optim/change_of_variables.hpp"

namespace paralogit::train {

/// The variables of a change, each times a power of two that brings it below 1 for all rows.
struct ScaledFrame {
    model::HessianFrame frame;
    /// Entry (j, k) of a Hessian in the variables is that in the frame times 2^(e_j + e_k).
    std::vector<std::int32_t> exponents;

    /// The matrix in the variables from value(row, column) in the frame, column >= row; both
    /// triangles.
    template <typename Value>
    Matrix unscaled(const Value& value) const {
        const Index dimension = frame.dimension();
        Matrix matrix(dimension, dimension);
        for (Index row = 0; row < dimension; ++row) {
            for (Index column = row; column < dimension; ++column) {
                const int exponent = exponents[static_cast<std::size_t>(row)] +
                                     exponents[static_cast<std::size_t>(column)];
                matrix(row, column) = std::ldexp(value(row, column), exponent);
                matrix(column, row) = matrix(row, column);
            }
        }
        return matrix;
    }
};

/// Of some features, given in rising order.
ScaledFrame scaled_frame(const optim::ChangeOfVariables& change, std::span<const Index> features,
                         const model::ColumnBounds& bounds, bool has_intercept);

}  // namespace paralogit::train
