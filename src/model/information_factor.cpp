#include "paralogit/model/inference.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "ordered_dot.hpp"

namespace paralogit::model {

namespace {

/// The direction of the parameters that an equation lets go, in the variables, 1 at its own one.
Vector null_vector_of(const InferenceInput& input, const Alias& equation) {
    const Index features = input.scale.size();
    Vector parameters = -equation.factors;
    parameters[equation.variable] += 1;
    Vector variables = parameters;
    for (Index j = 0; j < features; ++j) {
        variables[j] *= input.scale[j];
        if (input.has_intercept) {
            variables[features] += parameters[j] * input.centre[j];
        }
    }
    return variables / variables[equation.variable];
}

Vector penalty_by_variables(const InferenceInput& input) {
    Vector penalty = Vector::Zero(input.hessian.rows());
    for (Index j = 0; j < input.scale.size(); ++j) {
        if (input.scale[j] != 0) {
            penalty[j] = input.penalty_curvature[j] / input.scale[j] / input.scale[j];
        }
    }
    return penalty;
}

/// Of loss and penalty by the sizes of the null vectors and the other variables.
Matrix matrix_of(const InferenceInput& input, const std::vector<Index>& replaced,
                 const std::vector<Vector>& null_vectors) {
    Matrix matrix = input.hessian;
    const Vector penalty = penalty_by_variables(input);
    const auto clear = [&](Index j) {
        matrix.row(j).setZero();
        matrix.col(j).setZero();
    };
    for (Index j = 0; j < input.scale.size(); ++j) {
        if (input.scale[j] == 0) {
            clear(j);
        }
    }
    matrix.diagonal() += penalty;
    std::ranges::for_each(replaced, clear);
    for (std::size_t k = 0; k < replaced.size(); ++k) {
        const Index column = replaced[k];
        const Vector of_penalty = penalty.cwiseProduct(null_vectors[k]);
        for (Index i = 0; i < matrix.rows(); ++i) {
            const auto other = std::ranges::find(replaced, i);
            matrix(i, column) =
                other == replaced.end()
                    ? of_penalty[i]
                    : dot(null_vectors[static_cast<std::size_t>(other - replaced.begin())],
                          of_penalty);
            matrix(column, i) = matrix(i, column);
        }
    }
    return matrix;
}

std::vector<Index> replaced_variables(const InferenceInput& input) {
    std::vector<Index> variables;
    for (const FlatDirection& flat : input.collinear) {
        const Index variable = flat.equation.variable;
        // What has lost its curvature since is left out as it is.
        if (variable == input.scale.size() || input.scale[variable] != 0) {
            variables.push_back(variable);
        }
    }
    return variables;
}

std::vector<Vector> null_vectors_of(const InferenceInput& input,
                                    const std::vector<Index>& variables) {
    std::vector<Vector> vectors;
    for (const FlatDirection& flat : input.collinear) {
        if (std::ranges::find(variables, flat.equation.variable) != variables.end()) {
            vectors.push_back(null_vector_of(input, flat.equation));
        }
    }
    return vectors;
}

}  // namespace

InformationFactor::InformationFactor(const InferenceInput& input, double least_share)
    : replaced_(replaced_variables(input)),
      null_vectors_(null_vectors_of(input, replaced_)),
      factor_(AliasingCholesky::factor(matrix_of(input, replaced_, null_vectors_), least_share)) {}

Vector InformationFactor::by_directions(Vector b) const {
    std::vector<double> along;
    along.reserve(null_vectors_.size());
    for (const Vector& null_vector : null_vectors_) {
        along.push_back(dot(null_vector, b));
    }
    for (std::size_t k = 0; k < replaced_.size(); ++k) {
        b[replaced_[k]] = along[k];
    }
    return b;
}

Vector InformationFactor::without_null_directions(Vector by_directions) const {
    for (const Index variable : replaced_) {
        by_directions[variable] = 0;
    }
    return by_directions;
}

Vector InformationFactor::to_variables(const Vector& by_directions) const {
    Vector variables = without_null_directions(by_directions);
    for (std::size_t k = 0; k < replaced_.size(); ++k) {
        variables += by_directions[replaced_[k]] * null_vectors_[k];
    }
    return variables;
}

Matrix InformationFactor::inverse_by_directions() const {
    Matrix matrix = factor_.inverse();
    for (Index j = 0; j < matrix.cols() && !replaced_.empty(); ++j) {
        matrix.col(j) = to_variables(matrix.col(j));
    }
    return matrix.transpose();
}

void InformationFactor::name_flat_directions(const InferenceInput& input,
                                             std::vector<FlatDirection>& collinear,
                                             std::vector<FlatDirection>& vanished) const {
    for (Alias& alias : factor_.aliases()) {
        const Index variable = alias.variable;
        if (variable < input.scale.size() && input.scale[variable] == 0) {
            continue;
        }
        const bool is_replaced = std::ranges::find(replaced_, variable) != replaced_.end();
        if (is_replaced && alias.factors.isZero(0)) {
            collinear.push_back(*std::ranges::find_if(input.collinear, [&](const auto& flat) {
                return flat.equation.variable == variable;
            }));
            continue;
        }
        if (!replaced_.empty()) {
            Vector direction = -alias.factors;
            direction[variable] += 1;
            alias.factors = -to_variables(direction);
            alias.factors /= -alias.factors[variable];
            alias.factors[variable] = 0;
        }
        (is_replaced ? collinear : vanished)
            .push_back(flat_direction(alias, input.centre, input.scale, input.has_intercept));
    }
}

}  // namespace paralogit::model
