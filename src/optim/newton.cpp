#include "paralogit/optim/newton.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "curved.hpp"
#include "hessian_factor.hpp"
#include "kept_hessian.hpp"
#include "option_checks.hpp"
#include "ordered_sums.hpp"
#include "precision.hpp"
#include "quasi_newton.hpp"
#include "refresh_policy.hpp"
#include "stall.hpp"
#include "thinned_start.hpp"

namespace paralogit::optim {

namespace {

constexpr double most_stalled_steps = 20;

bool have_the_same_bits(const Vector& a, const Vector& b) {
    const auto bytes = static_cast<std::size_t>(a.size()) * sizeof(double);
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), bytes) == 0;
}

/// The direction of the pairs, from H_0 = the inverse of the kept Hessian. Where the newest pair
/// has met less than half the curvature that H_0 promised, H_0 is scaled to agree with it (as
/// Shanno & Phua 1978 do always): far from the optimum the curvature of all directions falls
/// together.
Vector direction_with(const Cholesky& factor, const Pairs& pairs, const Vector& gradient) {
    constexpr double stale = 2;
    return two_loop_direction(pairs, gradient, [&](Vector& direction) {
        direction = factor.solve(direction);
        if (pairs.count() > 0) {
            const Vector y = pairs.y_of(pairs.count() - 1);
            const double scale = dot(pairs.s_of(pairs.count() - 1), y) / dot(y, factor.solve(y));
            if (scale > stale && std::isfinite(scale)) {
                direction *= scale;
            }
        }
    });
}

/// |gradient|^2 in the norm of the inverse Hessian; Euclid's without one.
double squared_size(const std::optional<Cholesky>& factor, const Vector& gradient) {
    return factor ? dot(gradient, factor->solve(gradient)) : dot(gradient, gradient);
}

/// The bits by which a gradient has to shrink until the decrease it promises is 1e-18 of the value:
/// in standardised variables that is a gradient of about 1e-9.
double bits_to_go(double squared_gradient_size, double value) {
    constexpr double resolution = 1e-18;
    const double least = std::max(resolution * std::abs(value), 1e-300);
    return squared_gradient_size > least ? rough_log2(squared_gradient_size / least) / 2 : 0;
}

/// The Hessian of the first step from the minimum of a part of the rows.
KeptHessian hessian_after(const ThinnedStart& part, const HessianCosts& costs,
                          const ThinningRange& range) {
    const double distance = sampling_contraction(costs, part.thinning);
    // In a step of that length the curvature of a row changes by about the distance, up or down;
    // over the rows that mostly cancels, and Newton's method errs by half of what is left.
    constexpr double left = 0.5;
    const double newton_contraction = left * distance / 2;
    const Outlook outlook{.contraction = 1, .newton_contraction = newton_contraction};
    const HessianChoice choice =
        choose_hessian(costs, outlook, bits_to_go(distance * distance, part.part_value), range);
    return {.point = part.point,
            .thinning = choice.thinning,
            .most_thinning = range.most,
            .newton_contraction = newton_contraction};
}

}  // namespace

/// The factor of the Hessian at a point, by the bits of the point and the thinning; empty when
/// there is none.
struct Newton::Cache {
    Vector point;
    Index thinning = 0;  ///< 0: nothing is cached
    std::optional<Cholesky> factor;

    const std::optional<Cholesky>& at(CurvedObjective& objective, const KeptHessian& kept) {
        if (thinning != kept.thinning || !have_the_same_bits(point, kept.point)) {
            thinning = 0;
            // The old one goes before the new one comes: they may be all that memory has room for.
            factor.reset();
            factor = factor_of_hessian(objective, kept.point, kept.thinning);
            point = kept.point;
            thinning = kept.thinning;
        }
        return factor;
    }
};

/// One step: what it has to work with, the search, and what it leaves to the next.
class Newton::Step {
  public:
    Step(const NewtonOptions& options, Cache& cache, CurvedObjective& objective, State& state)
        : options_(options),
          cache_(cache),
          objective_(objective),
          state_(state),
          costs_{.rows = objective.rows(),
                 .dimension = state.point.size(),
                 .hessian_cost = options.hessian_cost},
          none_(state.point.size(), 0),
          pairs_(Pairs::of(state, none_)),
          hessian_(kept_or_first()) {
        costs_.excess_noise = hessian_.excess_noise;
    }

    StepResult take() {
        const Stall stall = Stall::of(state_);
        if (stall.steps >= most_stalled_steps) {
            return StepResult::no_progress;
        }
        const Index evaluations_before = state_.evaluations;
        std::optional<LineSearchResult> found = search();
        if (!found) {
            return StepResult::no_progress;
        }
        choose_next_hessian(*found, state_.evaluations - evaluations_before);
        std::map<std::string, Matrix> memory = memory_after(*found);
        memory.insert_or_assign(Stall::key, stall.after(*found, most_stalled_steps));

        // Nothing below can fail, so the state changes wholly or not at all.
        state_.memory = std::move(memory);
        state_.point = std::move(found->point);
        state_.at_point = std::move(found->at_point);
        ++state_.iteration;
        return StepResult::moved;
    }

  private:
    KeptHessian kept_or_first() const {
        if (auto kept = KeptHessian::of(state_)) {
            return std::move(*kept);
        }
        const Index thinning = thinning_to_begin();
        return {.point = state_.point, .thinning = thinning, .most_thinning = thinning};
    }

    Index thinning_to_begin() const {
        const Index most = objective_.most_thinning();
        return options_.thinning == 0 ? first_thinning(costs_, most)
                                      : std::min(options_.thinning, most);
    }

    const Vector& gradient() const { return state_.at_point.gradient; }

    Vector direction() {
        const auto& factor = cache_.at(objective_, hessian_);
        return factor ? direction_with(*factor, keeps_pairs_ ? pairs_ : no_pairs(), gradient())
                      : steepest_direction(gradient());
    }

    Pairs no_pairs() const { return {.s = none_, .y = none_}; }

    std::optional<LineSearchResult> search_along(const Vector& direction) {
        return strong_wolfe_search(objective_, state_.point, state_.at_point, direction,
                                   first_length(state_.at_point, direction), options_.line_search,
                                   state_.evaluations);
    }

    /// With the remembered Hessian, else with better ones, else along the gradient.
    std::optional<LineSearchResult> search() {
        const double value = state_.at_point.value;
        const Vector first = direction();
        std::optional<LineSearchResult> found = search_along(first);
        // A better Hessian is no help where the decrease to be had is below rounding.
        const bool is_at_limit = is_level(value + dot(gradient(), first), value, value);
        for (const Index thinning : {std::max<Index>(hessian_.thinning / 4, 1), Index{1}}) {
            const bool is_known = hessian_.steps == 0 && thinning == hessian_.thinning;
            if (!found && !is_at_limit && !is_known) {
                hessian_.renew(state_.point, thinning);
                hessian_.most_thinning = thinning;
                keeps_pairs_ = false;
                found = search_along(direction());
            }
        }
        if (!found) {
            keeps_pairs_ = false;
            found = search_along(steepest_direction(gradient()));
        }
        return found;
    }

    /// Leaves in hessian_ what the next step uses; its steps are 0 when that is a new Hessian.
    void choose_next_hessian(const LineSearchResult& found, Index trials) {
        const auto& factor = cache_.at(objective_, hessian_);
        const double squared = squared_size(factor, found.at_point.gradient);
        const double contraction = std::sqrt(squared / squared_size(factor, gradient()));
        const bool was_new = hessian_.steps == 0;
        if (was_new) {
            measure_noise(contraction);
        }
        const double noise = sampling_contraction(costs_, hessian_.thinning);
        const Outlook outlook =
            was_new ? outlook_after_new(contraction, hessian_.newton_contraction, noise)
                    : Outlook{.contraction = contraction,
                              .newton_contraction = hessian_.newton_contraction * contraction};
        hessian_.newton_contraction = outlook.newton_contraction;
        hessian_.used += was_new ? 1 : 0;
        ++hessian_.steps;

        // Nonlinearity alone can make a step as bad; not so if the rows are few.
        constexpr Index many_trials = 3;
        constexpr double poor = 0.5;
        constexpr double noisy = 0.1;
        const Index more_rows = std::max<Index>(hessian_.thinning / 4, 1);
        if (options_.keeps_thinning) {
            if (has_too_few_rows(found.is_accepted, contraction, noise)) {
                hessian_.most_thinning = more_rows;
                hessian_.renew(found.point, more_rows);
                return;
            }
        } else if (was_new && (trials >= many_trials || (contraction > poor && noise > noisy))) {
            hessian_.most_thinning = more_rows;
        }
        const HessianChoice choice =
            choose_hessian(costs_, outlook, bits_to_go(squared, found.at_point.value),
                           {.least = keeps_thinning() ? hessian_.most_thinning : 1,
                            .most = hessian_.most_thinning});
        if (choice.is_new) {
            hessian_.renew(found.point, choice.thinning);
        }
    }

    /// Where all rows would have contracted the gradient more, the choice of rows is to blame.
    void measure_noise(double contraction) {
        constexpr double most = 10;
        costs_.excess_noise = 1;
        const double noise = sampling_contraction(costs_, hessian_.thinning);
        if (noise > hessian_.newton_contraction) {
            hessian_.excess_noise = std::clamp(contraction / noise, 1.0, most);
        }
        costs_.excess_noise = hessian_.excess_noise;
    }

    /// A thinning that was asked for is kept until it has been found to be too much.
    bool keeps_thinning() const {
        return options_.keeps_thinning &&
               hessian_.most_thinning >= std::min(options_.thinning, objective_.most_thinning());
    }

    bool has_too_few_rows(bool is_accepted, double contraction, double noise) const {
        return hessian_.thinning > 1 && (!is_accepted || is_starved(contraction, noise));
    }

    std::map<std::string, Matrix> memory_after(const LineSearchResult& found) const {
        std::map<std::string, Matrix> memory = state_.memory;
        hessian_.remember(memory);
        const bool has_new_hessian = hessian_.steps == 0;
        if (has_new_hessian || !keeps_pairs_) {
            // The pairs tell of the curvature farther back: a new Hessian knows better.
            forget_pairs(memory, state_.point.size());
        }
        if (!has_new_hessian) {
            remember_pair(memory, found.point - state_.point, found.at_point.gradient - gradient(),
                          options_.history);
        }
        return memory;
    }

    const NewtonOptions& options_;
    Cache& cache_;
    CurvedObjective& objective_;
    State& state_;
    HessianCosts costs_;
    Matrix none_;
    Pairs pairs_;
    KeptHessian hessian_;
    bool keeps_pairs_ = true;
};

Newton::Newton(const NewtonOptions& options)
    : options_(options), cache_(std::make_unique<Cache>()) {
    require_hessian_options(options.thinning, options.hessian_cost);
    require_option(options.history >= 1, "--history", options.history, "a whole number, 1 or more");
    require_search_options(options.line_search);
}

Newton::~Newton() = default;

State Newton::start(Objective& objective, const Vector& point) const {
    *cache_ = Cache{};
    auto* const curved = dynamic_cast<CurvedObjective*>(&objective);
    const bool chooses_thinning = options_.thinning == 0;
    if (curved == nullptr || !chooses_thinning || point.size() != objective.dimension()) {
        return Solver::start(objective, point);
    }
    const HessianCosts costs{
        .rows = curved->rows(), .dimension = point.size(), .hessian_cost = options_.hessian_cost};
    const auto part = start_from_parts(*curved, point, costs);
    if (!part) {
        return Solver::start(objective, point);
    }
    const KeptHessian hessian = hessian_after(
        *part, costs, {.least = 1, .most = first_thinning(costs, curved->most_thinning())});
    State state;
    state.point = part->point;
    state.at_point = evaluate_before_factor(*curved, state.point, hessian.thinning);
    state.evaluations = 1;
    // The value at the first point is known of a part of the rows only, about.
    constexpr double most_rise = 0.01;
    if (!(state.at_point.value <= part->part_value * (1 + most_rise))) {
        state = Solver::start(objective, point);
        ++state.evaluations;
        return state;
    }
    hessian.remember(state.memory);
    return state;
}

StepResult Newton::step(Objective& objective, State& state) const {
    CurvedObjective& curved = as_curved(objective);
    if (!is_finite(state.at_point)) {
        return StepResult::diverged;
    }
    return Step(options_, *cache_, curved, state).take();
}

}  // namespace paralogit::optim
