#include "paralogit/train/trainer.hpp"

#include <malloc.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "collinearity.hpp"
#include "column_warnings.hpp"
#include "diagnosis.hpp"
#include "inference_run.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/comm/signals.hpp"
#include "paralogit/train/resume.hpp"
#include "run_model.hpp"
#include "run_record.hpp"
#include "seconds_since.hpp"
#include "standardised_objective.hpp"
#include "start_parameters.hpp"
#include "training_memory.hpp"
#include "used_features.hpp"
#include "validation_run.hpp"
#include "verification.hpp"
#include "widened_rows.hpp"

namespace paralogit::train {

namespace {

class Run {
  public:
    Run(const comm::Communicator& comm, const TrainOptions& options, TrainObserver& observer)
        : comm_(comm),
          options_(options),
          observer_(observer),
          record_(comm, options, observer),
          startup_seconds_(seconds_since(options.process_start)) {}

    TrainOutcome run() {
        load();
        prepare_objective();
        start_or_resume();
        const optim::StopReason reason = iterate();
        return finish(reason);
    }

  private:
    void load() {
        TraceSpan span(lane(), "load");
        const auto begin = Clock::now();
        const double exchanged = comm_.exchange_seconds();
        std::optional<data::Manifest> validation_files;
        if (!options_.validation_paths.empty()) {
            validation_files = describe_files(comm_, options_.validation_paths, options_.source);
        }
        data_ = std::make_unique<DataSet>(
            load_data_set(comm_, options_.paths, options_.source,
                          share_memory(comm_, options_, validation_files), options_.row_use));
        keep_used_features(comm_, *data_);
        if (options_.inference_confidence) {
            comm::together(comm_, [&] {
                check_inference_size(data_->shard.features, options_.has_intercept);
            });
        }
        if (options_.verifies) {
            comm::together(comm_, [&] { check_verification_size(*data_); });
        }
        require_solver_memory(comm_, options_, *data_);
        moments_ = compute_moments(comm_, *data_);
        penalties_ = make_penalties(comm_, options_.penalty, *data_, moments_);
        validation_ =
            std::make_unique<ValidationRun>(comm_, options_, std::move(validation_files), *data_);
        malloc_trim(0);
        load_seconds_ = seconds_since(begin);
        read_seconds_ = load_seconds_ - (comm_.exchange_seconds() - exchanged);
        span.end();
        const data::Manifest& manifest = data_->manifest;
        const DataShape shape{.rows = manifest.rows,
                              .dimension = data_->shard.features + (options_.has_intercept ? 1 : 0),
                              .entries = manifest.is_sparse
                                             ? std::optional(manifest.entries_before_block.back())
                                             : std::nullopt};
        solver_choice_ = choose_solver(options_.solver, shape);
        refuse_streamed_sparse_batches(comm_, *data_, solver_choice_.name);
        solver_ = make_solver(solver_choice_.name, options_.solver, shape);
        observer_.on_loaded(facts());
        for (const std::string& note : data_->manifest.notes) {
            observer_.on_warning(note);
        }
        if (solver_choice_.name == "lbfgs" && options_.solver.newton.keeps_thinning) {
            observer_.on_warning(
                "--hessian-fraction is not used: lbfgs was chosen, which needs no "
                "Hessian");
        }
        for (const std::string& text : warnings_of_columns(*data_, moments_)) {
            observer_.on_warning(text);
        }
    }

    TraceLane* lane() const { return main_lane(options_.execution.trace); }

    RunFacts facts() const {
        return {data_->manifest,          data_->plan,         moments_,
                data_->label_description, data_->global_bytes, data_->memory,
                solver_choice_,           comm_.size(),        data_->execution,
                startup_seconds_,         load_seconds_,       data_->training_rows(),
                data_->class_weights,     penalties_,          validation_->rows()};
    }

    void prepare_objective() {
        const bool has_intercept = options_.has_intercept;
        change_ = options_.standardize
                      ? standardisation(moments_, penalties_.penalty, has_intercept)
                      : optim::ChangeOfVariables::identity(data_->shard.features, has_intercept);
        keep_bounds_exact(penalties_, change_);
        objective_ = std::make_unique<DistributedObjective>(
            comm_, *data_,
            DistributedObjective::Options{.penalty = penalties_.penalty,
                                          .loss = options_.loss,
                                          .has_intercept = has_intercept,
                                          .weight_sum = moments_.weight_sum,
                                          .reduction = options_.reduction,
                                          .own_requests = [this] {
                                              return StopRequests{
                                                  .signal = comm::StopSignals::is_noted(),
                                                  .time_limit = is_time_up()};
                                          }});

        checkpoint_.path_options = penalties_.path_options;
        checkpoint_.path_options.insert(options_.path_options.begin(), options_.path_options.end());
        checkpoint_.path_options["validation"] = validation_->path_option();
        checkpoint_.path_options["solver"] = solver_choice_.name;
        if (solver_choice_.name != "lbfgs" && solver_choice_.name != "owl-qn") {
            checkpoint_.path_options["history"] = "unset";
        }
        checkpoint_.data_fingerprint = moments_.fingerprint;
        checkpoint_.rows = data_->manifest.rows;
        checkpoint_.features = data_->shard.features;
        checkpoint_.blocks = data_->plan.blocks();
        checkpoint_.version = options_.version;
    }

    /// Calls action() while the change of variables is in the checkpoint, not here, and the
    /// exponents are there at all: each may be as large as the rows, and twice is too many.
    template <typename Action>
    auto with_whole_checkpoint(Action&& action) {
        const auto exchange = [this] {
            checkpoint_.centre.swap(change_.centre);
            checkpoint_.scale.swap(change_.scale);
        };
        struct Undo {
            const decltype(exchange)& again;
            Run& run;
            ~Undo() {
                again();
                run.checkpoint_.exponents = {};
                if (run.starts_at_zero_) {
                    run.checkpoint_.start_parameters = {};
                }
            }
        };
        // What the C library keeps of freed vectors would come on top.
        malloc_trim(0);
        exchange();
        const Undo undo{exchange, *this};
        if (starts_at_zero_) {
            checkpoint_.start_parameters = Vector::Zero(checkpoint_.state.point.size());
        }
        checkpoint_.exponents.assign(data_->bounds.sum_exponents.begin(),
                                     data_->bounds.sum_exponents.end());
        checkpoint_.exponents.push_back(data_->bounds.weight_exponent);
        return action();
    }

    /// What is of no more use, or easily made again, and as long as the features are many.
    void forget_beginning() {
        if (data_->sparse && !options_.inference_confidence) {
            moments_.mean.resize(0);
            moments_.standard_deviation.resize(0);
        }
        starts_at_zero_ = std::ranges::all_of(checkpoint_.start_parameters, [](double value) {
            return value == 0 && !std::signbit(value);
        });
        if (starts_at_zero_) {
            checkpoint_.start_parameters = {};
        }
        // The C library keeps what was freed between what is in use; on wide data that is much.
        malloc_trim(0);
    }

    /// Rank 0's clock counts for all: only its request is ever made.
    bool is_time_up() const {
        return comm_.is_root() && options_.time_limit_seconds &&
               seconds_since(options_.process_start) >= *options_.time_limit_seconds;
    }

    void start_or_resume() {
        CheckpointStore::Found found =
            with_whole_checkpoint([&] { return record_.find_checkpoint(checkpoint_); });
        const bool resumes = comm_.sum(found.checkpoint ? Index{1} : Index{0}) > 0;
        // The state is made before the directory is touched: what can still go wrong leaves an
        // earlier run as it was.
        if (resumes) {
            if (comm_.is_root()) {
                checkpoint_.state = std::move(found.checkpoint->state);
                checkpoint_.start_parameters = std::move(found.checkpoint->start_parameters);
                checkpoint_.best = std::move(found.checkpoint->best);
            }
            broadcast_progress(comm_, checkpoint_);
            make_standardised_objective();
        } else {
            checkpoint_.start_parameters =
                start_parameters(comm_, options_.initial, objective_->dimension(), *data_);
            empty_idle_columns(change_, moments_, penalties_, checkpoint_.start_parameters);
            make_standardised_objective();
            const TraceSpan span(lane(), "solver", 0);
            const auto begin = Clock::now();
            const double exchanged = comm_.exchange_seconds();
            standardised_->let_requests_through(false);
            checkpoint_.state =
                solver_->start(*standardised_, change_.to_point(checkpoint_.start_parameters));
            standardised_->let_requests_through(true);
            train_seconds_ = seconds_since(begin);
            train_exchange_seconds_ = comm_.exchange_seconds() - exchanged;
        }
        forget_beginning();
        record_.begin(found, resumes ? checkpoint_.state.iteration : -1);
        last_facts_ = iteration_facts();
        first_objective_ = last_facts_.objective;
        if (!resumes) {
            report_iteration();
        }
        start_evaluations_ = checkpoint_.state.evaluations - (resumes ? 0 : 1);
    }

    void make_standardised_objective() {
        standardised_ = std::make_unique<StandardisedObjective>(
            comm_, *data_, *objective_, change_, checkpoint_.start_parameters, penalties_.penalty,
            separable_term(options_.penalty, penalties_, change_,
                           is_proximal(solver_choice_.name)));
        if (is_small_enough_for_collinearity(data_->shard.features) &&
            !has_penalty(penalties_.penalty)) {
            standardised_->keep_last_hessian();
        }
        if (is_stochastic(solver_choice_.name)) {
            standardised_->set_batches(std::make_unique<BatchGradients>(
                comm_, *data_,
                BatchGradients::Options{
                    .batches = options_.solver.batches,
                    .has_intercept = options_.has_intercept,
                    .weight_sum = moments_.weight_sum,
                    .loss = options_.loss,
                    .own_requests = [this] { return objective_->own_requests(); }}));
        }
    }

    optim::StopReason iterate() {
        optim::State& state = checkpoint_.state;
        const auto begin = Clock::now();
        const double exchanged = comm_.exchange_seconds();
        optim::StopReason reason = optim::StopReason::diverged;
        while (true) {
            if (const auto stop = reason_to_stop()) {
                reason = *stop;
                break;
            }
            if (options_.checkpoint_every > 0 && state.iteration > 0 &&
                state.iteration % options_.checkpoint_every == 0) {
                with_whole_checkpoint([&] { record_.write_checkpoint(checkpoint_); });
            }
            const Index evaluations = state.evaluations;
            if (is_small_enough_to_visit(*data_)) {
                previous_ = parameters();
            }
            try {
                const TraceSpan span(lane(), "solver", state.iteration + 1);
                const optim::StepResult result = solver_->step(*standardised_, state);
                if (result != optim::StepResult::moved) {
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
        train_seconds_ += seconds_since(begin) - record_.checkpoint_seconds();
        train_exchange_seconds_ +=
            comm_.exchange_seconds() - exchanged - record_.checkpoint_exchange_seconds();
        return reason;
    }

    /// Decided on reduced numbers alone, so it is the same on all ranks.
    std::optional<optim::StopReason> reason_to_stop() const {
        const optim::State& state = checkpoint_.state;
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
            return has_no_finite_optimum() ? optim::StopReason::separable : *reason;
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
        return options_.early_stopping && checkpoint_.best &&
               checkpoint_.state.iteration - checkpoint_.best->iteration >=
                   *options_.early_stopping;
    }

    /// Every row lies strictly on its own side and nothing holds the parameters back that are
    /// needed to get there; or only the intercept is needed, which nothing holds back.
    bool has_no_finite_optimum() const {
        if (last_facts_.rows_wrong > 0) {
            return false;
        }
        const Vector coefficients = parameters().head(data_->shard.features);
        bool is_held = false;
        for (Index j = 0; j < coefficients.size(); ++j) {
            is_held = is_held || (coefficients[j] != 0 && !penalties_.let_grow(j, coefficients[j]));
        }
        return !is_held || (moments_.has_one_class() && options_.has_intercept);
    }

    Vector parameters() const {
        if (polished_) {
            return *polished_;
        }
        const Vector& point = checkpoint_.state.point;
        // The variables of columns that are left alone are 0.
        return change_.to_parameters(point, starts_at_zero_ ? point : checkpoint_.start_parameters);
    }

    /// Whether the objective is known at the point; between two evaluations of a stochastic solver
    /// it is not.
    bool is_evaluated() const {
        return optim::evaluated_iteration(checkpoint_.state) == checkpoint_.state.iteration;
    }

    IterationFacts iteration_facts() const {
        const optim::State& state = checkpoint_.state;
        const std::optional<double> running = optim::running_objective(state);
        const double objective = is_evaluated() ? state.at_point.value : running.value();
        const Vector parameters = this->parameters();
        const double penalty = penalties_.penalty.value(parameters.head(data_->shard.features));
        return {state.iteration,
                state.evaluations,
                running,
                is_evaluated(),
                objective,
                objective - penalty,
                optim::optimality_violation(state, standardised_->separable()),
                optim::nonzeros(parameters, data_->shard.features),
                state.at_point.rows_wrong,
                seconds_since(options_.process_start),
                validation_->score(parameters)};
    }

    void report_iteration() {
        last_facts_ = iteration_facts();
        lowest_objective_ = std::min(lowest_objective_, last_facts_.objective);
        note_if_best(checkpoint_.best, last_facts_, parameters());
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
        optim::State end = checkpoint_.state;
        end.at_point = standardised_->evaluate(end.point);
        last_facts_.is_evaluated = true;
        last_facts_.passes = ++end.evaluations;
        const double penalty = last_facts_.objective - last_facts_.loss;
        last_facts_.loss = end.at_point.value - penalty;
        last_facts_.objective = end.at_point.value;
        last_facts_.gradient_norm = optim::gradient_norm(end);
        last_facts_.rows_wrong = end.at_point.rows_wrong;
        train_seconds_ += seconds_since(begin);
    }

    TrainOutcome finish(optim::StopReason reason) {
        evaluate_end();
        // Each rank asks the very file that it has mapped: it may have lost its name by now, or
        // another file may have that name, and neither matters. What is streamed is found by name.
        comm::together(comm_, [&] {
            data_->shard.check_unchanged();
            validation_->check_unchanged();
        });
        if (std::isfinite(checkpoint_.state.at_point.value)) {
            with_whole_checkpoint([&] { record_.write_last_checkpoint(checkpoint_); });
        }
        TraceSpan inference_span(options_.inference_confidence ? lane() : nullptr, "inference");
        std::optional<InferenceReport> inference = infer(reason);
        inference_span.end();
        TrainOutcome outcome = describe_outcome(reason);
        if (inference) {
            inference->model_sha256 = outcome.model_sha256;
            outcome.inference = std::move(inference);
        }
        const TraceSpan span(lane(), "results");
        record_.write_results(outcome, facts());
        if (options_.verifies && has_model(reason)) {
            outcome.verification = verify({comm_, *data_, options_.loss, change_,
                                           penalties_.penalty, standardised_->separable()},
                                          options_.out / "model.h5", outcome.last);
            record_.write_results(outcome, facts());
            require_consistent(*outcome.verification, outcome.last);
        }
        return outcome;
    }

    /// The statistics of the model, which is brought to the optimum itself where the run converged.
    std::optional<InferenceReport> infer(optim::StopReason reason) {
        if (!options_.inference_confidence || !has_model(reason)) {
            return std::nullopt;
        }
        if (has_no_finite_optimum()) {
            observer_.on_warning(
                "no standard errors: the classes are separable, so no finite optimum exists");
            return std::nullopt;
        }
        const auto begin = Clock::now();
        InferenceRun run(comm_, *data_, moments_, *objective_, penalties_.penalty);
        run.begin_at(parameters());
        if (reason == optim::StopReason::converged ||
            reason == optim::StopReason::precision_limit) {
            run.polish();
            polished_ = run.parameters();
            checkpoint_.state.at_point = run.evaluation();
            checkpoint_.state.at_point.gradient =
                change_.to_point_gradient(run.evaluation().gradient);
            last_facts_ = iteration_facts();
        }
        checkpoint_.state.evaluations += run.evaluations();
        last_facts_.passes = checkpoint_.state.evaluations;
        InferenceReport report = run.report(*options_.inference_confidence);
        report.stop_reason = std::string(optim::name_of(reason));
        report.version = options_.version;
        inference_seconds_ = seconds_since(begin);
        return report;
    }

    TrainOutcome describe_outcome(optim::StopReason reason) {
        TrainOutcome outcome;
        outcome.reason = reason;
        outcome.last = last_facts_;
        outcome.l1 = penalties_.penalty.l1();
        outcome.l2 = penalties_.penalty.l2();
        outcome.first_objective = first_objective_;
        outcome.is_separable = has_no_finite_optimum();
        outcome.has_one_class =
            outcome.is_separable && options_.has_intercept && moments_.has_one_class();
        outcome.data_fingerprint = moments_.fingerprint;
        outcome.checkpoint = record_.checkpoint_path();
        outcome.hessians = optim::hessians_used(checkpoint_.state);
        outcome.hessian_products = optim::products_used(checkpoint_.state);

        const BatchGradients* const batches = standardised_->batch_gradients();
        outcome.ranks =
            gather_times(comm_, {.startup = startup_seconds_,
                                 .load = load_seconds_,
                                 .read = read_seconds_,
                                 .train = train_seconds_,
                                 .compute = train_seconds_ - train_exchange_seconds_,
                                 .kernel = objective_->kernel_seconds(),
                                 .curvature = standardised_->curvature_seconds(),
                                 .batches = batches == nullptr ? 0 : batches->kernel_seconds(),
                                 .allreduce = objective_->reduce_seconds() +
                                              (batches == nullptr ? 0 : batches->reduce_seconds()),
                                 .validation = validation_->seconds(),
                                 .inference = inference_seconds_,
                                 .checkpoint = record_.checkpoint_seconds(),
                                 .total = seconds_since(options_.process_start)});
        outcome.seconds = largest_of(outcome.ranks);
        if (batches != nullptr) {
            outcome.batches = {.steps = batches->evaluated(),
                               .messages = batches->messages(),
                               .allreduce_seconds = largest_over_ranks(batches->reduce_seconds())};
        }
        outcome.bytes_read = data_->bytes_read(comm_);
        const double pass_seconds = outcome.seconds.kernel + outcome.seconds.batches;
        const auto passes = static_cast<double>(checkpoint_.state.evaluations - start_evaluations_);
        if (pass_seconds > 0) {
            outcome.gradient_gbytes_per_second =
                passes * static_cast<double>(data_->global_bytes) / pass_seconds / 1e9;
        }

        // A model is as long as the features of the files: it takes the place of sums and rows.
        standardised_->let_requests_through(false);
        const bool is_small = is_small_enough_to_visit(*data_);
        outcome.diagnosis = diagnose(
            {comm_, options_, *data_, moments_, penalties_.penalty, change_, *standardised_,
             is_small ? parameters() : Vector{}, previous_, lowest_objective_},
            outcome);
        for (const std::string& text : outcome.diagnosis) {
            observer_.on_warning(text);
        }
        const bool lets_go = data_->sparse && !options_.verifies;
        if (lets_go) {
            standardised_.reset();
            objective_.reset();
        }
        if (checkpoint_.best) {
            const BestParameters& best = *checkpoint_.best;
            outcome.best = {.iteration = best.iteration,
                            .scores = validation_->score(best.parameters).value(),
                            .model = make_model(best.parameters, reason),
                            .model_sha256 = {}};
            outcome.best->model.attributes["best_iteration"] = fmt::format("{}", best.iteration);
            outcome.best->model_sha256 = outcome.best->model.sha256();
        }
        if (lets_go) {
            data_->shard.sparse = {};
        }
        outcome.model = make_model(parameters(), reason);
        outcome.model_sha256 = outcome.model.sha256();
        return outcome;
    }

    double largest_over_ranks(double seconds) const {
        constexpr double nanoseconds = 1e9;
        return static_cast<double>(comm_.max(static_cast<Index>(seconds * nanoseconds))) /
               nanoseconds;
    }

    Model make_model(const Vector& parameters, optim::StopReason reason) const {
        return model_of_run({*data_, penalties_, checkpoint_, options_.has_intercept}, parameters,
                            reason);
    }

    const comm::Communicator& comm_;
    const TrainOptions& options_;
    TrainObserver& observer_;
    RunRecord record_;
    SolverChoice solver_choice_;
    std::unique_ptr<optim::Solver> solver_;

    std::unique_ptr<DataSet> data_;
    std::unique_ptr<ValidationRun> validation_;
    Moments moments_;
    Penalties penalties_;
    optim::ChangeOfVariables change_;
    std::unique_ptr<DistributedObjective> objective_;
    std::unique_ptr<StandardisedObjective> standardised_;

    Checkpoint checkpoint_;        ///< the state as it goes, and what a checkpoint adds to it
    bool starts_at_zero_ = false;  ///< its start parameters are made when it is written
    Index start_evaluations_ = 0;
    IterationFacts last_facts_{};
    double first_objective_ = 0;

    Vector previous_;  ///< the parameters before the last step; empty when this process did none
    double lowest_objective_ = std::numeric_limits<double>::infinity();
    std::optional<Vector> polished_;  ///< the parameters, when they are no longer the state's
    double startup_seconds_ = 0;
    double load_seconds_ = 0;
    double read_seconds_ = 0;  ///< of those
    double train_seconds_ = 0;
    double inference_seconds_ = 0;
    double train_exchange_seconds_ = 0;  ///< of those
};

}  // namespace

TrainOutcome train(const comm::Communicator& comm, const TrainOptions& options,
                   TrainObserver& observer) {
    return Run(comm, options, observer).run();
}

}  // namespace paralogit::train
