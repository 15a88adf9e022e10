#include "thinned_start.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "curved.hpp"
#include "hessian_factor.hpp"
#include "ordered_sums.hpp"
#include "paralogit/optim/line_search.hpp"

namespace paralogit::optim {

namespace {

constexpr Index growth = 8;
/// Twice the rows would bring the minimum nearer by half a bit. A pass brings five, so that more
/// rows than these cost more than they gain.
constexpr Index least_thinning = 32;

/// The mean over one of `thinning` rows.
class Part : public Objective {
  public:
    Part(CurvedObjective& whole, Index thinning) : whole_(whole), thinning_(thinning) {}
    Index dimension() const override { return whole_.dimension(); }
    Evaluation evaluate(const Vector& point) override {
        return whole_.evaluate_thinned(point, thinning_);
    }

  private:
    CurvedObjective& whole_;
    Index thinning_;
};

/// What a Newton step would gain at a point is at most this much for a part of the rows whose
/// gradient differs from that of all only by chance: dimension / rows of the part.
double chance(const HessianCosts& costs, Index thinning) {
    return static_cast<double>(costs.dimension) * static_cast<double>(thinning) /
           static_cast<double>(costs.rows);
}

/// The factors of Hessians of one thinning. Each part begins where the one before it ended, so that
/// the last one is mostly wanted twice.
class Factors {
  public:
    Factors(CurvedObjective& objective, Index thinning)
        : objective_(objective), thinning_(thinning) {}

    Index thinning() const { return thinning_; }

    const std::optional<Cholesky>& at(const Vector& point) {
        if (!point_ || *point_ != point) {
            factor_ = factor_of_hessian(objective_, point, thinning_);
            point_ = point;
        }
        return factor_;
    }

  private:
    CurvedObjective& objective_;
    Index thinning_;
    std::optional<Vector> point_;  ///< of the last one
    std::optional<Cholesky> factor_;
};

/// Makes `point` the minimum of a part, as exactly as the part determines it. The value of the part
/// at the first point goes to `value`. False when that fails.
bool go_to_minimum(CurvedObjective& objective, Index thinning, Factors& factors,
                   const HessianCosts& costs, Vector& point, double& value) {
    constexpr int most_steps = 30;
    constexpr double near_chance = 2;
    constexpr LineSearchOptions line_search{.max_evaluations = 20};
    Part part(objective, thinning);
    Evaluation here = part.evaluate(point);
    value = here.value;
    // What is left of so much after one step with this Hessian is less than chance.
    const double within_reach = near_chance * chance(costs, growth * thinning);
    for (int step = 0; step < most_steps; ++step) {
        if (!is_finite(here)) {
            return false;
        }
        const auto& factor = factors.at(point);
        if (!factor) {
            return false;
        }
        const Vector direction = -factor->solve(here.gradient);
        const double decrement = -dot(here.gradient, direction);
        if (decrement <= near_chance * chance(costs, thinning)) {
            return true;
        }
        if (factors.thinning() > thinning && decrement <= within_reach) {
            point += direction;
            return true;
        }
        Index evaluations = 0;
        auto found = strong_wolfe_search(part, point, here, direction,
                                         first_length(here, direction), line_search, evaluations);
        if (!found) {
            return false;
        }
        point = std::move(found->point);
        here = std::move(found->at_point);
    }
    return false;
}

}  // namespace

std::optional<ThinnedStart> start_from_parts(CurvedObjective& objective, const Vector& first,
                                             const HessianCosts& costs) {
    Index thinning = first_thinning(costs, objective.most_thinning_of_evaluation());
    if (thinning < least_thinning * 2) {
        return std::nullopt;
    }
    ThinnedStart start{.point = first, .thinning = thinning, .part_value = 0};
    // The part that is the least has Hessians good enough for one step from part to part: with 16
    // rows for each variable a step errs by less than a third of its length.
    Factors factors(objective, thinning);
    while (true) {
        double value = 0;
        if (!go_to_minimum(objective, thinning, factors, costs, start.point, value)) {
            return std::nullopt;
        }
        if (factors.thinning() == thinning) {
            start.part_value = value;
        }
        start.thinning = thinning;
        if (thinning <= least_thinning) {
            return start;
        }
        thinning = std::max(thinning / growth, least_thinning);
    }
}

}  // namespace paralogit::optim
