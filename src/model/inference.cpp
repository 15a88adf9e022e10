#include "paralogit/model/inference.hpp"

#include <algorithm>
#include <cmath>

#include "ordered_dot.hpp"
#include "paralogit/model/block_information.hpp"
#include "paralogit/model/math.hpp"
#include "paralogit/model/normal_distribution.hpp"

namespace paralogit::model {

namespace {

// All sums are written out, for Eigen's own have an order that depends on the instruction set.
Vector product(const Matrix& matrix, const Vector& x) {
    Vector y = Vector::Zero(matrix.rows());
    for (Index k = 0; k < matrix.cols(); ++k) {
        const double* column = matrix.col(k).data();
        for (Index i = 0; i < y.size(); ++i) {
            y[i] += x[k] * column[i];
        }
    }
    return y;
}

/// Parameters are linear in the variables: each is a multiple of one of them, but for the
/// intercept. This is the combination of the variables that the intercept is.
Vector intercept_by_variables(const Vector& centre, const Vector& scale) {
    const Index features = scale.size();
    Vector combination = Vector::Zero(features + 1);
    for (Index j = 0; j < features; ++j) {
        combination[j] = scale[j] == 0 ? 0.0 : -centre[j] / scale[j];
    }
    combination[features] = 1;
    return combination;
}

WaldStatistics wald(double estimate, double variance, double quantile) {
    const double error = std::sqrt(variance);
    const double z = estimate / error;
    return {.standard_error = error,
            .z = z,
            .p = two_sided_p_value(z),
            .lower = estimate - quantile * error,
            .upper = estimate + quantile * error};
}

/// Variances of the parameters from a covariance of the variables: its diagonal, and what it is for
/// the intercept.
struct Variances {
    Vector of_variables;
    double of_intercept = 0;

    double of_parameter(const InferenceInput& input, Index j) const {
        return j == input.scale.size() ? of_intercept
                                       : of_variables[j] / input.scale[j] / input.scale[j];
    }
};

/// A sandwich of the score products, which have nothing in directions where the loss has none.
double sandwich(const InferenceInput& input, const InformationFactor& factor,
                const Vector& by_directions) {
    const Vector x = factor.without_null_directions(by_directions);
    return dot(x, product(input.score_products, x));
}

void put_statistics(const InferenceInput& input, const InformationFactor& factor,
                    const Matrix& inverse_by_directions, const std::vector<bool>& is_determined,
                    Inference& inference) {
    const Index dimension = input.hessian.rows();
    Variances by_hessian{.of_variables = Vector(dimension)};
    Variances robust{.of_variables = Vector(dimension)};
    for (Index j = 0; j < dimension; ++j) {
        const Vector column = inverse_by_directions.col(j);
        by_hessian.of_variables[j] = factor.to_variables(column)[j] / input.weight_unit;
        robust.of_variables[j] = sandwich(input, factor, column);
    }
    const Vector step = factor.solve(input.gradient);
    double intercept_step = 0;
    if (input.has_intercept) {
        const Vector by_variables = intercept_by_variables(input.centre, input.scale);
        const Vector column = factor.solve_by_directions(by_variables);
        by_hessian.of_intercept =
            dot(by_variables, factor.to_variables(column)) / input.weight_unit;
        robust.of_intercept = sandwich(input, factor, column);
        intercept_step = dot(by_variables, step);
    }

    const double quantile = two_sided_quantile(input.confidence);
    for (Index j = 0; j < dimension; ++j) {
        ParameterStatistics statistics{
            .estimate = input.parameters[j], .by_hessian = {}, .robust = {}};
        // A variance that is not positive is rounding, and so is that of the sandwich around it.
        if (is_determined[static_cast<std::size_t>(j)] && by_hessian.of_parameter(input, j) > 0) {
            const double estimate = statistics.estimate;
            statistics.by_hessian = wald(estimate, by_hessian.of_parameter(input, j), quantile);
            statistics.robust = wald(estimate, robust.of_parameter(input, j), quantile);
            const bool is_intercept = j == input.scale.size();
            const double left = is_intercept ? intercept_step : step[j] / input.scale[j];
            inference.distance_to_optimum =
                std::max(inference.distance_to_optimum,
                         std::abs(left) / statistics.by_hessian.standard_error);
        }
        inference.parameters.push_back(statistics);
    }
}

void put_likelihood(const InferenceInput& input, Inference& inference) {
    const double saturated = input.lowest_loss_sum;
    // Without an intercept the null model gives every row a chance of one half.
    const double null_share =
        input.has_intercept ? input.positive_weight_sum / input.weight_sum : 0.5;
    const double parameters = inference.effective_parameters;
    inference.log_likelihood = -input.loss_sum;
    inference.null_deviance = 2 * (input.weight_sum * lowest_loss(null_share) - saturated);
    inference.residual_deviance = 2 * (input.loss_sum - saturated);
    inference.null_degrees = input.rows - (input.has_intercept ? 1 : 0);
    inference.residual_degrees = static_cast<double>(input.rows) - parameters;
    inference.aic = 2 * input.loss_sum + 2 * parameters;
    inference.bic =
        2 * input.loss_sum + parameters * log_of_positive(static_cast<double>(input.rows));
}

}  // namespace

Alias in_units_of_features(Alias alias, const Vector& centre, const Vector& scale,
                           bool has_intercept) {
    constexpr double negligible = 1e-9;
    const Index features = scale.size();
    for (Index j = 0; j < alias.factors.size(); ++j) {
        if (std::abs(alias.factors[j]) < negligible) {
            alias.factors[j] = 0;
        }
    }
    const bool is_feature = alias.variable < features;
    const double of_variable = is_feature ? scale[alias.variable] : 1.0;
    double constant = is_feature ? centre[alias.variable] : 0.0;
    double magnitude = std::abs(constant);
    for (Index j = 0; j < features; ++j) {
        if (scale[j] != 0) {
            alias.factors[j] *= of_variable / scale[j];
            constant -= alias.factors[j] * centre[j];
            magnitude += std::abs(alias.factors[j] * centre[j]);
        }
    }
    if (std::abs(constant) < negligible * magnitude) {
        constant = 0;
    }
    if (has_intercept) {
        alias.factors[features] = alias.factors[features] * of_variable + constant;
    }
    return alias;
}

FlatDirection flat_direction(const Alias& alias, const Vector& centre, const Vector& scale,
                             bool has_intercept) {
    constexpr double negligible = 1e-6;
    const Index features = scale.size();
    Vector null_vector = -alias.factors;
    null_vector[alias.variable] = 1;
    FlatDirection flat{.equation = in_units_of_features(alias, centre, scale, has_intercept),
                       .parameters = {}};
    for (Index j = 0; j < features; ++j) {
        if (std::abs(null_vector[j]) > negligible) {
            flat.parameters.push_back(j);
        }
        if (std::abs(null_vector[j]) > std::abs(null_vector[flat.foremost])) {
            flat.foremost = j;
        }
    }
    if (has_intercept) {
        const Vector by_variables = intercept_by_variables(centre, scale);
        double sum = 0;
        double magnitude = 1;
        for (Index j = 0; j <= features; ++j) {
            sum += null_vector[j] * by_variables[j];
            magnitude = std::max(magnitude, std::abs(null_vector[j] * by_variables[j]));
        }
        if (std::abs(sum) > negligible * magnitude) {
            flat.parameters.push_back(features);
        }
    }
    return flat;
}

Inference infer(const InferenceInput& input, const InformationFactor& factor) {
    Inference inference{.parameters = {},
                        .has_intercept = input.has_intercept,
                        .is_penalised = (input.penalty_curvature.array() > 0).any(),
                        .confidence = input.confidence,
                        .rows = input.rows,
                        .weight_sum = input.weight_sum,
                        .rank = factor.rank(),
                        .collinear = {},
                        .vanished = {}};
    factor.name_flat_directions(input, inference.collinear, inference.vanished);
    std::vector<bool> is_determined(static_cast<std::size_t>(input.hessian.rows()), true);
    for (Index j = 0; j < input.scale.size(); ++j) {
        is_determined[static_cast<std::size_t>(j)] = input.scale[j] != 0;
    }
    for (const auto* flats : {&inference.collinear, &inference.vanished}) {
        for (const FlatDirection& flat : *flats) {
            for (const Index j : flat.parameters) {
                is_determined[static_cast<std::size_t>(j)] = false;
            }
        }
    }

    const Matrix inverse = factor.inverse_by_directions();
    inference.effective_parameters = static_cast<double>(inference.rank);
    for (Index j = 0; j < input.scale.size(); ++j) {
        if (input.scale[j] != 0) {
            inference.effective_parameters -= factor.to_variables(inverse.col(j))[j] *
                                              input.penalty_curvature[j] / input.scale[j] /
                                              input.scale[j];
        }
    }
    put_statistics(input, factor, inverse, is_determined, inference);
    put_likelihood(input, inference);
    return inference;
}

}  // namespace paralogit::model
