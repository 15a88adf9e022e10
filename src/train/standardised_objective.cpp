#include "standardised_objective.hpp"

#include <utility>

namespace paralogit::train {

StandardisedObjective::StandardisedObjective(const comm::Communicator& comm, const DataSet& data,
                                             DistributedObjective& of_parameters,
                                             const optim::ChangeOfVariables& change, Vector start,
                                             model::Penalty penalty, optim::SeparableTerm separable)
    : data_(data),
      of_parameters_(of_parameters),
      change_(change),
      start_(std::move(start)),
      transformed_(of_parameters, change, start_),
      curvature_(comm, data, change.has_intercept),
      penalty_(std::move(penalty)),
      separable_(std::move(separable)) {}

optim::Evaluation StandardisedObjective::evaluate(const Vector& point) {
    optim::Evaluation evaluation = transformed_.evaluate(point);
    heed_requests(of_parameters_.agreed_requests());
    return evaluation;
}

optim::Evaluation StandardisedObjective::evaluate_thinned(const Vector& point, Index thinning) {
    optim::Evaluation evaluation =
        of_parameters_.evaluate_thinned(change_.to_parameters(point, start_), thinning);
    evaluation.gradient = change_.to_point_gradient(evaluation.gradient);
    heed_requests(of_parameters_.agreed_requests());
    return evaluation;
}

void StandardisedObjective::heed_requests(const StopRequests& agreed) {
    of_parameters_.set_agreed_requests(agreed);
    if (agreed.any() && lets_requests_through_) {
        throw IterationStopped();
    }
}

Matrix StandardisedObjective::hessian(const Vector& point, Index thinning) {
    Matrix hessian = curvature_.hessian(change_.to_parameters(point, start_), change_, thinning);
    heed_requests(curvature_.agreed_requests());
    for (Index j = 0; j < change_.scale.size(); ++j) {
        hessian(j, j) = penalised(hessian(j, j), j);
    }
    return hessian;
}

Matrix StandardisedObjective::hessian_among(const Vector& point, std::span<const Index> variables,
                                            Index thinning) {
    const Index intercept = change_.scale.size();
    const bool has_intercept = !variables.empty() && variables.back() == intercept;
    const std::span<const Index> features =
        variables.first(variables.size() - (has_intercept ? 1U : 0U));
    Matrix hessian =
        curvature_.hessian_among(change_.to_parameters(point, start_), change_, features, thinning);
    heed_requests(curvature_.agreed_requests());
    const auto count = std::ssize(features);
    for (Index a = 0; a < count; ++a) {
        hessian(a, a) = penalised(hessian(a, a), features[static_cast<std::size_t>(a)]);
    }
    if (change_.has_intercept && !has_intercept) {
        return hessian.topLeftCorner(count, count);
    }
    return hessian;
}

Vector StandardisedObjective::hessian_diagonal(const Vector& point, Index thinning) {
    curvature_.set_own_requests(of_parameters_.own_requests());
    Vector diagonal = curvature_.diagonal(change_.to_parameters(point, start_), change_, thinning);
    heed_requests(curvature_.agreed_requests());
    for (Index j = 0; j < change_.scale.size(); ++j) {
        diagonal[j] = penalised(diagonal[j], j);
    }
    return diagonal;
}

double StandardisedObjective::penalised(double second_derivative, Index feature) const {
    const double scale = change_.scale[feature];
    // A feature that is left alone has no curvature; any would do, for its gradient is 0.
    return second_derivative + (scale == 0 ? 1.0 : penalty_.l2_of(feature) / scale / scale);
}

Vector StandardisedObjective::hessian_product(const Vector& point, const Vector& direction,
                                              Index thinning) {
    curvature_.set_own_requests(of_parameters_.own_requests());
    const Vector by_parameters = change_.to_parameter_direction(direction);
    Vector product =
        curvature_.product(change_.to_parameters(point, start_), by_parameters, thinning);
    heed_requests(curvature_.agreed_requests());
    const Index features = change_.scale.size();
    for (Index j = 0; j < features; ++j) {
        product[j] += penalty_.l2_of(j) * by_parameters[j];
    }
    product = change_.to_point_gradient(product);
    for (Index j = 0; j < features; ++j) {
        if (change_.scale[j] == 0) {
            product[j] = direction[j];
        }
    }
    return product;
}

}  // namespace paralogit::train
