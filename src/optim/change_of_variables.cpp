#include "paralogit/optim/change_of_variables.hpp"

#include <fmt/format.h>

#include <utility>

#include "ordered_sums.hpp"
#include "paralogit/base/error.hpp"

namespace paralogit::optim {

ChangeOfVariables ChangeOfVariables::identity(Index features, bool has_intercept) {
    return {.centre = Vector::Zero(features),
            .scale = Vector::Ones(features),
            .has_intercept = has_intercept};
}

Vector ChangeOfVariables::to_parameters(const Vector& point, const Vector& start,
                                        int threads) const {
    const Index features = scale.size();
    Vector parameters(point.size());
    in_parts(features, threads, [&](Range part) {
        for (Index j = part.first; j < part.end; ++j) {
            parameters[j] = scale[j] == 0 ? start[j] : point[j] / scale[j];
        }
    });
    if (has_intercept) {
        parameters[features] =
            point[features] - ordered_sum_of_chunks(features, threads, [&](Index j) {
                return parameters[j] * centre[j];
            });
    }
    return parameters;
}

Vector ChangeOfVariables::to_point(const Vector& parameters) const {
    const Index features = scale.size();
    Vector point(parameters.size());
    for (Index j = 0; j < features; ++j) {
        point[j] = scale[j] == 0 ? 0 : parameters[j] * scale[j];
    }
    if (has_intercept) {
        point[features] = parameters[features] + dot(parameters.head(features), centre);
    }
    return point;
}

Vector ChangeOfVariables::to_parameter_direction(const Vector& direction) const {
    Vector parameters;
    to_parameter_direction(direction, 1, parameters);
    return parameters;
}

void ChangeOfVariables::to_parameter_direction(const Vector& direction, int threads,
                                               Vector& parameters) const {
    const Index features = scale.size();
    parameters.resize(direction.size());
    in_parts(features, threads, [&](Range part) {
        for (Index j = part.first; j < part.end; ++j) {
            parameters[j] = scale[j] == 0 ? 0 : direction[j] / scale[j];
        }
    });
    if (has_intercept) {
        parameters[features] =
            direction[features] - ordered_sum_of_chunks(features, threads, [&](Index j) {
                return parameters[j] * centre[j];
            });
    }
}

Vector ChangeOfVariables::to_point_gradient(const Vector& parameter_gradient, int threads) const {
    const Index features = scale.size();
    Vector gradient(parameter_gradient.size());
    // By the chain rule: moving v_j moves w_j by 1 / scale_j and b by -centre_j / scale_j.
    const double by_intercept = has_intercept ? parameter_gradient[features] : 0;
    in_parts(features, threads, [&](Range part) {
        for (Index j = part.first; j < part.end; ++j) {
            gradient[j] =
                scale[j] == 0 ? 0 : (parameter_gradient[j] - centre[j] * by_intercept) / scale[j];
        }
    });
    if (has_intercept) {
        gradient[features] = by_intercept;
    }
    return gradient;
}

TransformedObjective::TransformedObjective(Objective& of_parameters,
                                           const ChangeOfVariables& change, Vector start)
    : of_parameters_(of_parameters), change_(change), start_(std::move(start)) {
    const Index dimension = of_parameters.dimension();
    const Index changed = change.scale.size() + (change.has_intercept ? 1 : 0);
    if (changed != dimension || change.centre.size() != change.scale.size() ||
        start_.size() != dimension) {
        throw Error(ExitCode::internal,
                    fmt::format("internal error: {} parameters, but a change of {} variables with "
                                "{} centres, and a start of {} entries",
                                dimension, changed, change.centre.size(), start_.size()));
    }
}

Index TransformedObjective::dimension() const {
    return of_parameters_.dimension();
}

Evaluation TransformedObjective::evaluate(const Vector& point) {
    Evaluation evaluation = of_parameters_.evaluate(change_.to_parameters(point, start_));
    evaluation.gradient = change_.to_point_gradient(evaluation.gradient);
    return evaluation;
}

}  // namespace paralogit::optim
