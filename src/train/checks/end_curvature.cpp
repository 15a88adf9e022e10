#include "end_curvature.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>

namespace paralogit::train {

namespace {

/// A diagnosis is worth a part of a second, and no more.
constexpr Index most_features = 256;
constexpr double most_operations = 4e9;
constexpr Index most_thinning = 1024;

/// The largest power of two that leaves so many rows.
Index thinning_to(Index rows, Index wanted) {
    Index thinning = 1;
    while (thinning < most_thinning && rows / (2 * thinning) >= wanted) {
        thinning *= 2;
    }
    return thinning;
}

}  // namespace

std::optional<optim::ChangeOfVariables> telling_variables(const RunEnd& run) {
    if (run.options.standardize) {
        return run.change;
    }
    if (run.moments.mean.size() == 0) {
        return std::nullopt;
    }
    return standardisation(run.moments, run.penalty, run.options.has_intercept);
}

Matrix hessian_at_end(const RunEnd& run, const optim::ChangeOfVariables& change) {
    const Index features = run.data.shard.features;
    if (features > most_features) {
        return {};
    }
    constexpr Index few_rows = 16'384;
    constexpr Index rows_of_feature = 64;
    const Index wanted = std::max(few_rows, rows_of_feature * features);
    return run.objective.hessian_by(change, run.parameters,
                                    thinning_to(run.data.manifest.rows, wanted));
}

Vector newton_direction_at_end(const RunEnd& run, const optim::ChangeOfVariables& change) {
    const auto features = static_cast<double>(run.data.shard.features);
    const auto rows = static_cast<double>(run.data.manifest.rows);
    if (features > most_features || rows * (features + 1) * (features + 1) > most_operations) {
        return {};
    }
    const Matrix hessian = run.objective.hessian_by(change, run.parameters, 1);
    const Vector gradient = run.objective.gradient_by(change, run.parameters);
    if (!hessian.allFinite() || !gradient.allFinite()) {
        return {};
    }
    const Eigen::SelfAdjointEigenSolver<Matrix> solver(hessian);
    const Vector& values = solver.eigenvalues();
    // Where columns depend on each other there is no curvature, but of rounding.
    constexpr double rounding = 1e-14;
    const double least = rounding * values.cwiseAbs().maxCoeff();
    Vector along = solver.eigenvectors().transpose() * gradient;
    for (Index k = 0; k < along.size(); ++k) {
        along[k] = values[k] > least ? -along[k] / values[k] : 0.0;
    }
    return change.to_parameter_direction(solver.eigenvectors() * along);
}

}  // namespace paralogit::train
