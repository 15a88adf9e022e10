#include "paralogit/optim/prox_newton.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "box_lasso.hpp"
#include "kept_hessian.hpp"
#include "option_checks.hpp"
#include "ordered_sums.hpp"
#include "prox_search.hpp"
#include "quasi_newton.hpp"
#include "refresh_policy.hpp"
#include "working_set.hpp"

namespace paralogit::optim {

namespace {

constexpr const char* working_set_key = "working_set";
constexpr double most_stalled_steps = 20;
constexpr Index most_pairs = 20;

/// The model of the next step: a Hessian of some of the variables.
struct Model : KeptHessian {
    std::vector<Index> set;

    static std::optional<Model> of(const State& state) {
        auto kept = KeptHessian::of(state);
        if (!kept) {
            return std::nullopt;
        }
        const Matrix& set = state.memory.at(working_set_key);
        return Model{std::move(*kept), {set.data(), set.data() + set.size()}};
    }

    void remember(std::map<std::string, Matrix>& memory) const {
        KeptHessian::remember(memory);
        Matrix variables(std::ssize(set), 1);
        std::ranges::transform(set, variables.data(),
                               [](Index j) { return static_cast<double>(j); });
        memory.insert_or_assign(working_set_key, std::move(variables));
    }
};

/// B <- B - B s s' B / s'Bs + y y' / y's (Nocedal & Wright 2006, equation 6.19).
void correct(Matrix& hessian, const Vector& s, const Vector& y) {
    Vector product = Vector::Zero(s.size());
    for (Index j = 0; j < s.size(); ++j) {
        if (s[j] != 0) {
            product += s[j] * hessian.col(j);
        }
    }
    const double promised = dot(s, product);
    const double met = dot(s, y);
    if (!(promised > 0) || !(met > 0)) {
        return;
    }
    for (Index j = 0; j < s.size(); ++j) {
        hessian.col(j) += y[j] / met * y - product[j] / promised * product;
    }
}

/// A matrix that coordinate descent can work with: features of which the rows that were looked at
/// say nothing are not flat.
void stiffen(Matrix& hessian, bool is_of_all_rows) {
    const double part = is_of_all_rows ? 1e-13 : 1e-6;
    const Index size = hessian.cols();
    const double sum = ordered_sum(size, [&](Index j) { return hessian(j, j); });
    const double mean = sum / static_cast<double>(size);
    const double ridge = part * (mean > 0 ? mean : 1.0);
    for (Index j = 0; j < size; ++j) {
        hessian(j, j) += ridge;
    }
}

bool has_the_same_bits(const Vector& a, const Vector& b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin()) &&
           std::equal(a.begin(), a.end(), b.begin(),
                      [](double x, double y) { return std::signbit(x) == std::signbit(y); });
}

}  // namespace

/// The corrected Hessian of a model, by the bits of its point, its variables and its thinning.
struct ProxNewton::Cache {
    Vector point;
    std::vector<Index> set;
    Index thinning = 0;  ///< 0: nothing is cached
    Index pairs = 0;     ///< that the matrix is corrected by
    Matrix hessian;

    const Matrix& at(CompositeObjective& objective, const Model& model, const Pairs& corrections) {
        const bool is_of_model = thinning == model.thinning && set == model.set &&
                                 pairs <= corrections.count() &&
                                 has_the_same_bits(point, model.point);
        if (!is_of_model) {
            thinning = 0;
            // The old one goes before the new one comes: they may be all that memory has room for.
            hessian.resize(0, 0);
            hessian = objective.hessian_among(model.point, model.set, model.thinning);
            stiffen(hessian, model.thinning == 1);
            point = model.point;
            set = model.set;
            thinning = model.thinning;
            pairs = 0;
        }
        for (; pairs < corrections.count(); ++pairs) {
            correct(hessian, corrections.s_of(pairs), corrections.y_of(pairs));
        }
        return hessian;
    }
};

/// One step: what it has to work with, the search, and what it leaves to the next.
class ProxNewton::Step {
  public:
    Step(const ProxNewtonOptions& options, Cache& cache, CompositeObjective& objective,
         State& state)
        : options_(options),
          cache_(cache),
          objective_(objective),
          state_(state),
          term_(objective.separable()),
          violations_(term_.least_subgradient(state.point, state.at_point.gradient)) {
        std::optional<Model> kept = Model::of(state);
        is_new_ = !kept || kept->steps == 0 || misses_the_worst(kept->set, violations_);
        if (kept) {
            model_ = std::move(*kept);
        }
        if (is_new_) {
            renew(model_.thinning);
            // More variables than last time need more rows.
            const Index most = thinning_to_begin();
            model_.thinning = kept ? std::min(model_.thinning, most) : most;
            model_.most_thinning = kept ? std::min(model_.most_thinning, most) : most;
        }
    }

    StepResult take() {
        const Stall stall = stall_of(state_, violations_);
        if (stall.steps >= most_stalled_steps || max_norm(violations_) == 0) {
            return StepResult::no_progress;
        }
        std::optional<LineSearchResult> found = search();
        if (!found) {
            return StepResult::no_progress;
        }
        const Vector violations = term_.least_subgradient(found->point, found->at_point.gradient);
        choose_next_hessian(*found, violations);
        std::map<std::string, Matrix> memory = memory_after(*found);
        memory.insert_or_assign(Stall::key,
                                stalled_after(stall, found->at_point.value, violations));

        // Nothing below can fail, so the state changes wholly or not at all.
        state_.memory = std::move(memory);
        state_.point = std::move(found->point);
        state_.at_point = std::move(found->at_point);
        ++state_.iteration;
        return StepResult::moved;
    }

  private:
    HessianCosts costs() const {
        // Its share of the whole matrix; the margins it needs cost half a pass at least.
        constexpr double least_cost = 0.5;
        const auto size = static_cast<double>(model_.set.size());
        const double share = size / static_cast<double>(state_.point.size());
        return {.rows = objective_.rows(),
                .dimension = std::ssize(model_.set),
                .hessian_cost = std::max(least_cost, share * share * options_.hessian_cost),
                .excess_noise = model_.excess_noise};
    }

    Index thinning_to_begin() const {
        const Index most = objective_.most_thinning();
        return options_.thinning == 0 ? first_thinning(costs(), most)
                                      : std::min(options_.thinning, most);
    }

    /// A thinning that was asked for is kept until it has been found to be too much.
    bool keeps_thinning() const {
        return options_.keeps_thinning &&
               model_.most_thinning >= std::min(options_.thinning, objective_.most_thinning());
    }

    /// The model of this point.
    void renew(Index thinning) {
        model_.renew(state_.point, thinning);
        model_.set = working_set(state_.point, violations_, term_, options_.always_all,
                                 options_.most_variables);
        is_new_ = true;
    }

    std::optional<LineSearchResult> search() {
        std::optional<LineSearchResult> found = search_by_model();
        for (const Index thinning : {std::max<Index>(model_.thinning / 4, 1), Index{1}}) {
            const bool is_known = is_new_ && thinning == model_.thinning;
            if (!found && !is_known) {
                renew(thinning);
                model_.most_thinning = thinning;
                found = search_by_model();
            }
        }
        return found ? found : search_by_slopes();
    }

    std::optional<LineSearchResult> search_by_model() {
        const Matrix none(std::ssize(model_.set), 0);
        const Pairs pairs = is_new_ ? Pairs{.s = none, .y = none} : Pairs::of(state_, none);
        const Matrix& hessian = cache_.at(objective_, model_, pairs);
        // Eigen's maximum may drop a NaN; a sum does not.
        if (!std::isfinite(hessian.sum())) {
            return std::nullopt;
        }
        const Vector gradient = of_set(model_.set, state_.at_point.gradient);
        const Vector start = of_set(model_.set, state_.point);
        const SeparableTerm term = of_set(model_.set, term_);
        // Nothing is gained by a minimum of the model that is truer than the model.
        constexpr double reduction = 1e-3;
        const Vector minimum =
            solve({.hessian = hessian, .gradient = gradient, .start = start, .term = term},
                  reduction * max_norm(violations_));
        Vector target = state_.point;
        for (Index a = 0; a < minimum.size(); ++a) {
            target[model_.set[static_cast<std::size_t>(a)]] = minimum[a];
        }
        return search_towards(objective_, state_, target, state_.evaluations);
    }

    /// In standardised variables no second derivative of the mean loss exceeds 1 by much.
    std::optional<LineSearchResult> search_by_slopes() {
        Vector target(state_.point.size());
        for (Index j = 0; j < target.size(); ++j) {
            target[j] =
                term_.proximal(j, state_.point[j] - state_.at_point.gradient[j], /*curvature=*/1);
        }
        return search_towards(objective_, state_, target, state_.evaluations);
    }

    /// Leaves in model_ what the next step uses; its steps are 0 when that is a new Hessian.
    void choose_next_hessian(const LineSearchResult& found, const Vector& violations) {
        constexpr double most_excess = 10;
        constexpr double resolution = 1e-11;
        const double size = euclidean_norm(violations);
        const double contraction = size / euclidean_norm(violations_);
        const double noise_of_rows = sampling_contraction(costs(), model_.thinning);
        Outlook outlook{.contraction = contraction,
                        .newton_contraction = model_.newton_contraction * contraction};
        if (is_new_) {
            model_.excess_noise = 1;
            const double noise = sampling_contraction(costs(), model_.thinning);
            if (noise > model_.newton_contraction) {
                model_.excess_noise = std::clamp(contraction / noise, 1.0, most_excess);
            }
            outlook = outlook_after_new(contraction, model_.newton_contraction,
                                        model_.excess_noise * noise);
            ++model_.used;
        }
        model_.newton_contraction = outlook.newton_contraction;
        ++model_.steps;
        constexpr double poor = 0.5;
        constexpr double noisy = 0.1;
        const Index more_rows = std::max<Index>(model_.thinning / 4, 1);
        if (options_.keeps_thinning) {
            if (model_.thinning > 1 &&
                (!found.is_accepted || is_starved(contraction, noise_of_rows))) {
                model_.most_thinning = more_rows;
                model_.renew(found.point, more_rows);
                return;
            }
        } else if (is_new_ && contraction > poor && noise_of_rows > noisy) {
            model_.most_thinning = more_rows;
        }
        const HessianChoice choice = choose_hessian(
            costs(), outlook, size > resolution ? rough_log2(size / resolution) : 0.0,
            {.least = keeps_thinning() ? model_.most_thinning : 1, .most = model_.most_thinning});
        if (choice.is_new || Pairs::of(state_, no_pairs_).count() >= most_pairs) {
            model_.renew(found.point, choice.thinning);
        }
    }

    std::map<std::string, Matrix> memory_after(const LineSearchResult& found) const {
        std::map<std::string, Matrix> memory = state_.memory;
        model_.remember(memory);
        if (is_new_ || model_.steps == 0) {
            forget_pairs(memory, std::ssize(model_.set));
        }
        if (model_.steps > 0) {
            remember_pair(memory, of_set(model_.set, found.point - state_.point),
                          of_set(model_.set, found.at_point.gradient - state_.at_point.gradient),
                          most_pairs);
        }
        return memory;
    }

    const ProxNewtonOptions& options_;
    Cache& cache_;
    CompositeObjective& objective_;
    State& state_;
    const SeparableTerm& term_;
    const Matrix no_pairs_;
    Vector violations_;
    Model model_;
    bool is_new_;  ///< whether the Hessian is that of this point
};

ProxNewton::ProxNewton(const ProxNewtonOptions& options)
    : options_(options), cache_(std::make_unique<Cache>()) {
    require_hessian_options(options.thinning, options.hessian_cost);
    require_option(options.always_all >= 1 && options.most_variables >= options.always_all,
                   "--most-variables", options.most_variables,
                   "no fewer than are always all, at least 1");
}

ProxNewton::~ProxNewton() = default;

State ProxNewton::start(Objective& objective, const Vector& point) const {
    *cache_ = Cache{};
    return Solver::start(objective, as_composite(objective).separable().within_bounds(point));
}

StepResult ProxNewton::step(Objective& objective, State& state) const {
    CompositeObjective& composite = as_composite(objective);
    if (!is_finite(state.at_point)) {
        return StepResult::diverged;
    }
    return Step(options_, *cache_, composite, state).take();
}

}  // namespace paralogit::optim
