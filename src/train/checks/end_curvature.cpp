#include "end_curvature.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>

#include "held.hpp"

namespace paralogit::train {

namespace {

/// A diagnosis is worth a part of a second, and no more.
constexpr Index most_features = 256;
constexpr Index most_thinning = 1024;

/// The largest power of two that leaves so many rows.
Index thinning_to(Index rows, Index wanted) {
    Index thinning = 1;
    while (thinning < most_thinning && rows / (2 * thinning) >= wanted) {
        thinning *= 2;
    }
    return thinning;
}

/// Empty when what they are made of is gone.
optim::ChangeOfVariables telling_variables(const RunEnd& run) {
    if (run.options.standardize) {
        return run.change;
    }
    return run.moments.mean.size() == 0
               ? optim::ChangeOfVariables{}
               : standardisation(run.moments, run.penalties.penalty, run.options.has_intercept);
}

Matrix hessian_of_some_rows(const RunEnd& run, const optim::ChangeOfVariables& change) {
    const Index features = run.data.shard.features;
    if (features > most_features || change.scale.size() != features) {
        return {};
    }
    constexpr Index few_rows = 16'384;
    constexpr Index rows_of_feature = 64;
    const Index wanted = std::max(few_rows, rows_of_feature * features);
    return run.objective.hessian_by(change, run.parameters,
                                    thinning_to(run.data.manifest.rows, wanted));
}

/// Of a Hessian, what concerns other variables than some: these have 1 on the diagonal.
template <typename IsLeftOut>
Matrix without(Matrix hessian, Index features, const IsLeftOut& is_left_out) {
    for (Index j = 0; j < features && hessian.size() > 0; ++j) {
        if (is_left_out(j)) {
            hessian.row(j).setZero();
            hessian.col(j).setZero();
            hessian(j, j) = 1;
        }
    }
    return hessian;
}

}  // namespace

EndCurvature::EndCurvature(const RunEnd& run) : change_(telling_variables(run)) {
    const Matrix& last = run.objective.last_hessian();
    const bool is_telling = run.options.standardize && last.size() > 0;
    const Matrix hessian = is_telling ? last : hessian_of_some_rows(run, change_);
    const Index features = run.data.shard.features;
    of_unpenalised_ = without(hessian, features, [&](Index j) { return is_penalised(run, j); });
    if (hessian.size() > 0 && hessian.cols() <= most_features + 1 && hessian.allFinite()) {
        const std::vector<Held> held = held_coefficients(run, change_.scale);
        const Eigen::SelfAdjointEigenSolver<Matrix> solver(without(
            hessian, features, [&](Index j) { return held[static_cast<std::size_t>(j)].both(); }));
        if (solver.info() == Eigen::Success) {
            curvatures_ = solver.eigenvalues();
            directions_ = solver.eigenvectors();
        }
    }
}

bool EndCurvature::is_flat_somewhere() const {
    return flat_directions(most_flat) > 0;
}

Index EndCurvature::flat_directions(double flatness) const {
    const Index size = curvatures_.size();
    Index count = 0;
    while (count < size && curvatures_[count] <= flatness * curvatures_[size - 1]) {
        ++count;
    }
    return count;
}

Vector EndCurvature::flat_part(const Vector& parameters, double flatness) const {
    const Index count = flat_directions(flatness);
    if (count == 0 || count == curvatures_.size()) {
        return {};
    }
    const Matrix flat = directions_.leftCols(count);
    const Vector part = flat * (flat.transpose() * change_.to_point(parameters));
    return change_.to_parameter_direction(part);
}

}  // namespace paralogit::train
