#include "paralogit/optim/stochastic.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "option_checks.hpp"
#include "ordered_sums.hpp"
#include "update_rules.hpp"

namespace paralogit::optim {

namespace {

constexpr const char* epoch_key = "epoch";
constexpr const char* iterate_key = "iterate";
constexpr const char* averaged_key = "averaged";

BatchObjective& as_batched(Objective& objective) {
    auto* const batched = dynamic_cast<BatchObjective*>(&objective);
    if (batched == nullptr) {
        throw Error(ExitCode::internal,
                    "internal error: a stochastic solver needs an objective with batches");
    }
    return *batched;
}

/// The mean of iterates, if one is wanted.
class Average {
  public:
    Average(const State& state, const StochasticOptions& options)
        : is_wanted_(options.averages_from && state.iteration >= *options.averages_from) {
        if (const auto found = state.memory.find(averaged_key); found != state.memory.end()) {
            count_ = found->second(0, 0);
            mean_ = state.point;
        }
    }

    bool is_wanted() const { return is_wanted_; }

    void add(const Vector& iterate) {
        if (!is_wanted_) {
            return;
        }
        count_ += 1;
        if (count_ == 1) {
            mean_ = iterate;
        } else {
            mean_ += (iterate - mean_) / count_;
        }
    }

    /// The state has all that is needed to go on from.
    void store(const Vector& iterate, State& state) {
        if (!is_wanted_ || count_ == 0) {
            state.point = iterate;
            return;
        }
        state.memory.insert_or_assign(iterate_key, Matrix(iterate));
        state.memory.insert_or_assign(averaged_key, Matrix::Constant(1, 1, count_));
        state.point = std::move(mean_);
    }

    std::vector<Vector*> vectors() {
        return count_ > 0 ? std::vector{&mean_} : std::vector<Vector*>{};
    }

  private:
    bool is_wanted_;
    double count_ = 0;
    Vector mean_;
};

/// Makes the gradient no longer than `most`.
void clip(double most, Vector& gradient) {
    const double length = euclidean_norm(gradient);
    if (length > most) {
        gradient *= most / length;
    }
}

Vector first_iterate(const State& state) {
    const auto found = state.memory.find(iterate_key);
    return found == state.memory.end() ? state.point : Vector(found->second);
}

}  // namespace

Stochastic::Stochastic(const StochasticOptions& options) : options_(options) {
    require_learning_rate(options.learning_rate);
    const auto is_part = [](double value) { return value >= 0 && value < 1; };
    constexpr const char* part = "a number, 0 or more and below 1";
    require_option(is_part(options.momentum), "--momentum", options.momentum, part);
    require_option(is_part(options.beta1), "--beta1", options.beta1, part);
    require_option(is_part(options.beta2), "--beta2", options.beta2, part);
    require_option(options.epsilon >= 0 && std::isfinite(options.epsilon), "--epsilon",
                   options.epsilon, "a finite number, 0 or more");
    if (options.clip) {
        require_option(*options.clip > 0, "--clip", *options.clip, "a number above 0");
    }
    require_option(options.evaluates_every >= 1, "--evaluate-every", options.evaluates_every,
                   "a whole number, 1 or more");
}

std::string_view Stochastic::name() const {
    switch (options_.rule) {
        case UpdateRule::adam:
            return "adam";
        case UpdateRule::adagrad:
            return "adagrad";
        case UpdateRule::sgd:
            break;
    }
    return "sgd";
}

StepResult Stochastic::step(Objective& objective, State& state) const {
    if (!is_finite(state.at_point)) {
        return StepResult::diverged;
    }
    BatchObjective& rows = as_batched(objective);
    const Index batches = rows.batches();
    Vector iterate = first_iterate(state);
    Update update(options_, state);
    Average average(state, options_);
    BatchEvaluation batch;
    // Of the epoch: the loss, and the mean of the penalty.
    Vector running = Vector::Zero(2);
    const auto join_ranks = [&] {
        std::vector<Vector*> vectors = update.vectors();
        vectors.push_back(&iterate);
        vectors.push_back(&running);
        for (Vector* const vector : average.vectors()) {
            vectors.push_back(vector);
        }
        rows.join_ranks(vectors);
    };

    ++state.evaluations;
    for (Index b = 0; b < batches; ++b) {
        rows.evaluate_batch(iterate, state.iteration, b, batch);
        running[0] += batch.loss;
        running[1] += rows.penalty(iterate) / static_cast<double>(batches);
        if (batch.rows > 0) {
            if (options_.clip) {
                clip(*options_.clip, batch.gradient);
            }
            const double rate =
                learning_rate(options_.learning_rate, state.iteration * batches + b, batches);
            if (options_.decouples_decay) {
                rows.decay(rate, iterate);
            } else {
                rows.add_penalty_gradient(iterate, batch.gradient);
            }
            update.apply(rate, batch.gradient, iterate);
        }
        average.add(iterate);
        if (options_.local_steps > 0 && ((b + 1) % options_.local_steps == 0 || b + 1 == batches)) {
            join_ranks();
        }
    }

    const auto remembered = state.memory.find(epoch_key);
    const double start =
        remembered == state.memory.end() ? state.at_point.value : remembered->second(2, 0);
    const double objective_met = running[0] + running[1];
    constexpr double know_nothing = 0.6931471805599453;
    constexpr double most_growth = 10;
    if (!(objective_met <= most_growth * std::max(start, know_nothing)) ||
        !std::isfinite(max_norm(iterate))) {
        return StepResult::diverged;
    }
    const Index iteration = state.iteration + 1;
    const bool is_evaluated = iteration % options_.evaluates_every == 0;
    const double last_evaluated = is_evaluated ? static_cast<double>(iteration)
                                               : static_cast<double>(evaluated_iteration(state));
    State next = state;
    update.store(next);
    average.store(iterate, next);
    next.memory.insert_or_assign(epoch_key, Eigen::Vector3d(objective_met, last_evaluated, start));
    next.iteration = iteration;
    if (is_evaluated) {
        ++state.evaluations;
        ++next.evaluations;
        next.at_point = objective.evaluate(next.point);
        if (!is_finite(next.at_point)) {
            return StepResult::diverged;
        }
    }
    state = std::move(next);
    return StepResult::moved;
}

Index evaluated_iteration(const State& state) {
    const auto found = state.memory.find(epoch_key);
    return found == state.memory.end() ? state.iteration : static_cast<Index>(found->second(1, 0));
}

std::optional<double> running_objective(const State& state) {
    const auto found = state.memory.find(epoch_key);
    return found == state.memory.end() ? std::nullopt : std::optional(found->second(0, 0));
}

}  // namespace paralogit::optim
