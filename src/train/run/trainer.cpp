#include "paralogit/train/trainer.hpp"

#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "../checks/collinearity.hpp"
#include "../checks/diagnosis.hpp"
#include "../checks/inference_run.hpp"
#include "../checks/verification.hpp"
#include "../objective/standardised_objective.hpp"
#include "../objective/widened_rows.hpp"
#include "../seconds_since.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/comm/signals.hpp"
#include "paralogit/train/resume.hpp"
#include "run_ending.hpp"
#include "run_model.hpp"
#include "run_outcome.hpp"
#include "start_parameters.hpp"

namespace paralogit::train {

namespace {

class Run {
  public:
    Run(const comm::Communicator& comm, const TrainOptions& options, TrainObserver& observer)
        : comm_(comm), options_(options), observer_(observer), record_(comm, options, observer) {}

    TrainOutcome run() {
        data_ = load_run(comm_, options_, observer_);
        prepare_objective();
        start_or_resume();
        const optim::StopReason reason = iterate();
        return finish(reason);
    }

  private:
    TraceLane* lane() const { return main_lane(options_.execution.trace); }

    void prepare_objective() {
        const bool has_intercept = options_.has_intercept;
        state_.change =
            options_.standardize
                ? standardisation(data_.moments, data_.penalties.penalty, has_intercept)
                : optim::ChangeOfVariables::identity(data_.rows->shard.features, has_intercept);
        keep_bounds_exact(data_.penalties, state_.change);
        objective_ = std::make_unique<DistributedObjective>(
            comm_, *data_.rows,
            DistributedObjective::Options{.penalty = data_.penalties.penalty,
                                          .loss = options_.loss,
                                          .has_intercept = has_intercept,
                                          .weight_sum = data_.moments.weight_sum,
                                          .reduction = options_.reduction,
                                          .own_requests = [this] {
                                              return StopRequests{
                                                  .signal = comm::StopSignals::is_noted(),
                                                  .time_limit = is_time_up()};
                                          }});

        state_.checkpoint.path_options = data_.penalties.path_options;
        state_.checkpoint.path_options.insert(options_.path_options.begin(),
                                              options_.path_options.end());
        state_.checkpoint.path_options["validation"] = data_.validation->path_option();
        state_.checkpoint.path_options["solver"] = data_.solver_choice.name;
        if (data_.solver_choice.name != "lbfgs" && data_.solver_choice.name != "owl-qn") {
            state_.checkpoint.path_options["history"] = "unset";
        }
        state_.checkpoint.data_fingerprint = data_.moments.fingerprint;
        state_.checkpoint.rows = data_.rows->manifest.rows;
        state_.checkpoint.features = data_.rows->shard.features;
        state_.checkpoint.blocks = data_.rows->plan.blocks();
        state_.checkpoint.version = options_.version;
    }

    /// What is of no more use, or easily made again, and as long as the features are many.
    void forget_moments() {
        if (data_.rows->sparse && !options_.inference_confidence) {
            data_.moments.mean.resize(0);
            data_.moments.standard_deviation.resize(0);
        }
    }
    void forget_beginning() {
        forget_moments();
        state_.forget_zeros();
        // The C library keeps what was freed between what is in use; on wide data that is much.
        malloc_trim(0);
    }

    /// Rank 0's clock counts for all: only its request is ever made.
    bool is_time_up() const {
        const bool may_stop =
            !options_.makes_an_iteration ||
            (first_iteration_ && state_.checkpoint.state.iteration > *first_iteration_);
        return comm_.is_root() && options_.time_limit_seconds && may_stop &&
               seconds_since(options_.process_start) >= *options_.time_limit_seconds;
    }

    void start_or_resume() {
        CheckpointStore::Found found = state_.with_whole_checkpoint(
            *data_.rows, [&] { return record_.find_checkpoint(state_.checkpoint); });
        const bool resumes = comm_.sum(found.checkpoint ? Index{1} : Index{0}) > 0;
        // The state is made before the directory is touched: what can still go wrong leaves an
        // earlier run as it was.
        if (resumes) {
            if (comm_.is_root()) {
                state_.checkpoint.state = std::move(found.checkpoint->state);
                state_.checkpoint.start_parameters = std::move(found.checkpoint->start_parameters);
                state_.checkpoint.best = std::move(found.checkpoint->best);
            }
            broadcast_progress(comm_, state_.checkpoint);
            make_standardised_objective();
        } else {
            state_.checkpoint.start_parameters = start_parameters(
                comm_, options_.initial, objective_->dimension(), *data_.rows, observer_);
            empty_idle_columns(state_.change, data_.moments, data_.penalties,
                               state_.checkpoint.start_parameters);
            forget_moments();
            make_standardised_objective();
            const TraceSpan span(lane(), "solver", 0);
            const auto begin = Clock::now();
            const double exchanged = comm_.exchange_seconds();
            standardised_->let_requests_through(false);
            state_.checkpoint.state = data_.solver->start(
                *standardised_, state_.change.to_point(state_.checkpoint.start_parameters));
            standardised_->let_requests_through(true);
            time_.seconds = seconds_since(begin);
            time_.exchange = comm_.exchange_seconds() - exchanged;
        }
        forget_beginning();
        const auto& rule = data_.rows->label_rule;
        record_.begin(found, resumes ? state_.checkpoint.state.iteration : -1,
                      rule && rule->is_soft());
        last_facts_ = iteration_facts();
        first_objective_ = last_facts_.objective;
        if (!resumes) {
            report_iteration();
        }
        first_iteration_ = state_.checkpoint.state.iteration;
        start_evaluations_ = state_.checkpoint.state.evaluations - (resumes ? 0 : 1);
    }

    void make_standardised_objective() {
        standardised_ = std::make_unique<StandardisedObjective>(
            comm_, *data_.rows, *objective_, state_.change, state_.checkpoint.start_parameters,
            data_.penalties.penalty,
            separable_term(options_.penalty, data_.penalties, state_.change,
                           is_proximal(data_.solver_choice.name)),
            data_.moments.effective_rows);
        if (is_small_enough_for_collinearity(data_.rows->shard.features) &&
            !has_penalty(data_.penalties.penalty, data_.rows->shard.features)) {
            standardised_->keep_last_hessian();
        }
        if (data_.solver_choice.name == "newton-cg") {
            standardised_->let_lone_features_follow();
        }
        if (is_stochastic(data_.solver_choice.name)) {
            standardised_->set_batches(std::make_unique<BatchGradients>(
                comm_, *data_.rows,
                BatchGradients::Options{
                    .batches = options_.solver.batches,
                    .has_intercept = options_.has_intercept,
                    .weight_sum = data_.moments.weight_sum,
                    .loss = options_.loss,
                    .own_requests = [this] { return objective_->own_requests(); }}));
        }
    }

    optim::StopReason iterate() {
        optim::State& state = state_.checkpoint.state;
        const auto begin = Clock::now();
        const double exchanged = comm_.exchange_seconds();
        optim::StopReason reason = optim::StopReason::diverged;
        while (true) {
            if (const auto stop = reason_to_stop()) {
                reason = *stop;
                break;
            }
            if (options_.checkpoint_every > 0 && state.iteration > 0 &&
                state.iteration % options_.checkpoint_every == 0 &&
                record_.has_time_for_checkpoint()) {
                // A checkpoint says of what rows it is, and is believed.
                require_unchanged_rows();
                state_.with_whole_checkpoint(*data_.rows,
                                             [&] { record_.write_checkpoint(state_.checkpoint); });
            }
            const Index evaluations = state.evaluations;
            if (is_small_enough_to_visit(*data_.rows)) {
                previous_ = state_.parameters();
            }
            try {
                const TraceSpan span(lane(), "solver", state.iteration + 1);
                const optim::StepResult result = data_.solver->step(*standardised_, state);
                if (result != optim::StepResult::moved) {
                    last_facts_.passes = state.evaluations;
                    reason = result == optim::StepResult::diverged
                                 ? optim::StopReason::diverged
                                 : optim::StopReason::precision_limit;
                    break;
                }
            } catch (const IterationStopped&) {
                // The iteration starts again, and so does its count: the checkpoint has the bytes
                // of that of a run that goes on.
                state.evaluations = evaluations;
                continue;
            }
            report_iteration();
        }
        time_.seconds += seconds_since(begin) - record_.checkpoint_seconds();
        time_.exchange +=
            comm_.exchange_seconds() - exchanged - record_.checkpoint_exchange_seconds();
        return reason;
    }

    /// Decided on reduced numbers alone, so it is the same on all ranks.
    std::optional<optim::StopReason> reason_to_stop() {
        const optim::State& state = state_.checkpoint.state;
        if (!std::isfinite(state.at_point.value)) {
            return optim::StopReason::diverged;
        }
        optim::StoppingRules rules = options_.stopping;
        if (!is_evaluated()) {
            constexpr double never = -1;
            rules.tolerance = never;
        }
        const auto reason = optim::reason_to_stop(state, last_facts_.gradient_norm, rules);
        if (reason == optim::StopReason::converged) {
            return is_separable() ? optim::StopReason::separable : *reason;
        }
        if (stops_early()) {
            return optim::StopReason::early_stopping;
        }
        if (reason) {
            return reason;
        }
        if (objective_->agreed_requests().signal) {
            return optim::StopReason::signal;
        }
        if (objective_->agreed_requests().time_limit) {
            return optim::StopReason::time_limit;
        }
        return std::nullopt;
    }

    bool stops_early() const {
        return options_.early_stopping && state_.checkpoint.best &&
               state_.checkpoint.state.iteration - state_.checkpoint.best->iteration >=
                   *options_.early_stopping;
    }

    /// Of the run that has ended; found once. @collective
    bool is_separable() {
        if (!is_separable_) {
            is_separable_ =
                has_no_finite_optimum(data_, state_.parameters(), last_facts_.rows_wrong,
                                      options_.has_intercept, *objective_);
        }
        return *is_separable_;
    }

    /// Whether the objective is known at the point; between two evaluations of a stochastic solver
    /// it is not.
    bool is_evaluated() const {
        return optim::evaluated_iteration(state_.checkpoint.state) ==
               state_.checkpoint.state.iteration;
    }

    IterationFacts iteration_facts() const {
        const optim::State& state = state_.checkpoint.state;
        const std::optional<double> running = optim::running_objective(state);
        const double objective = is_evaluated() ? state.at_point.value : running.value();
        const Vector parameters = state_.parameters(standardised_->threads());
        const double penalty =
            data_.penalties.penalty.value(parameters.head(data_.rows->shard.features));
        return {state.iteration,
                state.evaluations,
                running,
                is_evaluated(),
                objective,
                objective - penalty,
                optim::optimality_violation(state, standardised_->separable()),
                optim::nonzeros(parameters, data_.rows->shard.features),
                state.at_point.rows_wrong,
                seconds_since(options_.process_start),
                data_.validation->score(parameters)};
    }

    void report_iteration() {
        last_facts_ = iteration_facts();
        lowest_objective_ = std::min(lowest_objective_, last_facts_.objective);
        if (last_facts_.validation) {
            note_if_best(state_.checkpoint.best, options_.early_stopping_metric, last_facts_,
                         state_.parameters());
        }
        observer_.on_iteration(last_facts_);
        record_.add_iteration(last_facts_);
    }

    /// Where a stochastic solver ended between two evaluations. The state stays as it is, for a run
    /// that goes on does not come by here.
    void evaluate_end() {
        if (last_facts_.is_evaluated) {
            return;
        }
        const auto begin = Clock::now();
        standardised_->let_requests_through(false);
        optim::State end = state_.checkpoint.state;
        end.at_point = standardised_->evaluate(end.point);
        last_facts_.is_evaluated = true;
        last_facts_.passes = ++end.evaluations;
        const double penalty = last_facts_.objective - last_facts_.loss;
        last_facts_.loss = end.at_point.value - penalty;
        last_facts_.objective = end.at_point.value;
        last_facts_.gradient_norm = optim::gradient_norm(end);
        last_facts_.rows_wrong = end.at_point.rows_wrong;
        time_.seconds += seconds_since(begin);
    }

    /// Each rank asks the very file that it has mapped: it may have lost its name by now, or
    /// another file may have that name, and neither matters. What is streamed is found by name.
    void require_unchanged_rows() const {
        comm::together(comm_, [&] {
            data_.rows->shard.check_unchanged();
            data_.validation->check_unchanged();
        });
    }

    /// What went wrong, the same on all ranks; null when nothing did.
    std::exception_ptr write_last_checkpoint() {
        try {
            if (std::isfinite(state_.checkpoint.state.at_point.value)) {
                state_.with_whole_checkpoint(
                    *data_.rows, [&] { record_.write_last_checkpoint(state_.checkpoint); });
            }
        } catch (const Error&) {
            return std::current_exception();
        }
        return nullptr;
    }

    /// Where the disk is too full for a checkpoint it may well have room for the model.
    [[noreturn]] void fail_with_results(const TrainOutcome& outcome,
                                        const std::exception_ptr& error) {
        try {
            record_.write_results(outcome, data_.facts(comm_));
            observer_.on_warning("there is no checkpoint of the end, but the results are written");
        } catch (const Error&) {
            // The first error says what to do.
        }
        std::rethrow_exception(error);
    }

    TrainOutcome finish(optim::StopReason reason) {
        evaluate_end();
        require_unchanged_rows();
        const std::exception_ptr unwritten = write_last_checkpoint();
        TraceSpan inference_span(options_.inference_confidence ? lane() : nullptr, "inference");
        std::optional<InferenceReport> inference = infer(reason);
        inference_span.end();
        TrainOutcome outcome = describe_outcome({.comm = comm_,
                                                 .options = options_,
                                                 .observer = observer_,
                                                 .record = record_,
                                                 .data = data_,
                                                 .state = state_,
                                                 .objective = objective_,
                                                 .standardised = standardised_,
                                                 .last = last_facts_,
                                                 .first_objective = first_objective_,
                                                 .lowest_objective = lowest_objective_,
                                                 .first_evaluations = start_evaluations_,
                                                 .previous = previous_,
                                                 .is_separable = is_separable(),
                                                 .inference = std::move(inference),
                                                 .time = time_},
                                                reason);
        const TraceSpan span(lane(), "results");
        if (unwritten) {
            fail_with_results(outcome, unwritten);
        }
        record_.write_results(outcome, data_.facts(comm_));
        if (options_.verifies && has_model(reason)) {
            outcome.verification = verify({comm_, *data_.rows, options_.loss, state_.change,
                                           data_.penalties.penalty, standardised_->separable()},
                                          options_.out / "model.h5", outcome.last);
            record_.write_results(outcome, data_.facts(comm_));
            require_consistent(*outcome.verification, outcome.last);
        }
        return outcome;
    }

    /// The statistics of the model, which is brought to the optimum itself where the run converged.
    std::optional<InferenceReport> infer(optim::StopReason reason) {
        if (!options_.inference_confidence || !has_model(reason)) {
            return std::nullopt;
        }
        if (const auto obstacle = obstacle_to_inference(data_, state_.parameters(), is_separable(),
                                                        reason, objective_->agreed_requests())) {
            observer_.on_warning("no standard errors: " + *obstacle);
            return std::nullopt;
        }
        // Whoever ends the process meanwhile leaves a model.
        record_.write_model_ahead(model_of_run(
            {*data_.rows, state_.checkpoint, options_.has_intercept}, state_.parameters(), reason));
        const auto begin = Clock::now();
        InferenceRun run(comm_, *data_.rows, data_.moments, *objective_, data_.penalties);
        run.begin_at(state_.parameters());
        if (reason == optim::StopReason::converged ||
            reason == optim::StopReason::precision_limit) {
            run.polish();
            state_.set_parameters(run.parameters());
            state_.checkpoint.state.at_point = run.evaluation();
            state_.checkpoint.state.at_point.gradient =
                state_.change.to_point_gradient(run.evaluation().gradient);
            last_facts_ = iteration_facts();
        }
        state_.checkpoint.state.evaluations += run.evaluations();
        last_facts_.passes = state_.checkpoint.state.evaluations;
        InferenceReport report = run.report(*options_.inference_confidence);
        report.stop_reason = std::string(optim::name_of(reason));
        report.version = options_.version;
        time_.inference = seconds_since(begin);
        return report;
    }

    const comm::Communicator& comm_;
    const TrainOptions& options_;
    TrainObserver& observer_;
    RunRecord record_;
    RunData data_;
    RunState state_;
    std::unique_ptr<DistributedObjective> objective_;
    std::unique_ptr<StandardisedObjective> standardised_;

    std::optional<Index> first_iteration_;  ///< of this process; empty before it is known
    Index start_evaluations_ = 0;
    IterationFacts last_facts_{};
    double first_objective_ = 0;
    double lowest_objective_ = std::numeric_limits<double>::infinity();
    std::optional<bool> is_separable_;
    Vector previous_;  ///< the parameters before the last step; empty when this process did none
    TrainingTime time_;
};

}  // namespace

TrainOutcome train(const comm::Communicator& comm, const TrainOptions& options,
                   TrainObserver& observer) {
    return Run(comm, options, observer).run();
}

}  // namespace paralogit::train
