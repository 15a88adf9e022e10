#include "end_curvature.hpp"

#include <algorithm>

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

}  // namespace paralogit::train
