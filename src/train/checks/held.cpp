#include "held.hpp"

#include <cmath>

namespace paralogit::train {

namespace {

/// Whether a penalty is too weak to hold a coefficient where it means anything: its part in the
/// curvature of a standardised feature is below a millionth of that which even chances have.
bool is_next_to_nothing(const RunEnd& run, Index feature, double scale) {
    constexpr double little = 1e-6;
    constexpr double curvature = 0.25;
    constexpr double slope = 0.5;
    const model::Penalty& penalty = run.penalties.penalty;
    return penalty.l2_of(feature) < little * curvature * scale * scale &&
           penalty.l1_of(feature) < little * slope * scale;
}

}  // namespace

bool has_penalty(const model::Penalty& penalty, Index features) {
    bool has = false;
    for (Index j = 0; j < features && !has; ++j) {
        has = penalty.l1_of(j) > 0 || penalty.l2_of(j) > 0;
    }
    return has;
}

bool is_penalised(const RunEnd& run, Index feature) {
    const model::Penalty& penalty = run.penalties.penalty;
    return penalty.l1_of(feature) > 0 || penalty.l2_of(feature) > 0;
}

std::vector<Held> held_coefficients(const RunEnd& run, const Vector& scales) {
    std::vector<Held> held;
    const bool has_bounds = run.penalties.lower.size() > 0;
    for (Index j = 0; j < run.data.shard.features; ++j) {
        const bool is_firm = is_penalised(run, j) && !is_next_to_nothing(run, j, scales[j]);
        held.push_back({.above = is_firm || (has_bounds && std::isfinite(run.penalties.upper[j])),
                        .below = is_firm || (has_bounds && std::isfinite(run.penalties.lower[j]))});
    }
    return held;
}

bool is_held_altogether(const RunEnd& run) {
    for (Index j = 0; j < run.data.shard.features; ++j) {
        const Vector& deviation = run.moments.standard_deviation;
        const double scale = deviation.size() > 0 ? deviation[j] : run.change.scale[j];
        if (scale != 0 && (!is_penalised(run, j) || is_next_to_nothing(run, j, scale))) {
            return false;
        }
    }
    return has_penalty(run.penalties.penalty, run.data.shard.features);
}

}  // namespace paralogit::train
