#include "run_outcome.hpp"

#include <fmt/format.h>

#include "../checks/diagnosis.hpp"
#include "../objective/widened_rows.hpp"
#include "../seconds_since.hpp"
#include "run_model.hpp"

namespace paralogit::train {

namespace {

double largest_over_ranks(const comm::Communicator& comm, double seconds) {
    constexpr double nanoseconds = 1e9;
    return static_cast<double>(comm.max(static_cast<Index>(seconds * nanoseconds))) / nanoseconds;
}

void add_times(const EndedRun& run, TrainOutcome& outcome) {
    const DistributedObjective& objective = *run.objective;
    const BatchGradients* const batches = run.standardised->batch_gradients();
    outcome.ranks =
        gather_times(run.comm, {.startup = run.data.startup_seconds,
                                .load = run.data.load_seconds,
                                .read = run.data.read_seconds,
                                .train = run.time.seconds,
                                .compute = run.time.seconds - run.time.exchange,
                                .kernel = objective.kernel_seconds(),
                                .curvature = run.standardised->curvature_seconds(),
                                .batches = batches == nullptr ? 0 : batches->kernel_seconds(),
                                .allreduce = objective.reduce_seconds() +
                                             (batches == nullptr ? 0 : batches->reduce_seconds()),
                                .validation = run.data.validation->seconds(),
                                .inference = run.time.inference,
                                .diagnosis = run.time.diagnosis,
                                .checkpoint = run.record.checkpoint_seconds(),
                                .total = seconds_since(run.options.process_start)});
    outcome.seconds = largest_of(outcome.ranks);
    if (batches != nullptr) {
        outcome.batches = {
            .steps = batches->evaluated(),
            .messages = batches->messages(),
            .allreduce_seconds = largest_over_ranks(run.comm, batches->reduce_seconds())};
    }
    const double pass_seconds = outcome.seconds.kernel + outcome.seconds.batches;
    const auto passes =
        static_cast<double>(run.state.checkpoint.state.evaluations - run.first_evaluations);
    if (pass_seconds > 0) {
        outcome.gradient_gbytes_per_second =
            passes * static_cast<double>(run.data.rows->global_bytes) / pass_seconds / 1e9;
    }
}

void add_diagnosis(EndedRun& run, TrainOutcome& outcome) {
    const auto begin = Clock::now();
    const TraceSpan span(main_lane(run.options.execution.trace), "diagnosis");
    const bool is_small = is_small_enough_to_visit(*run.data.rows);
    Diagnosis diagnosis =
        diagnose({run.comm, run.options, *run.data.rows, run.data.moments, run.data.penalties,
                  run.state.change, *run.standardised, is_small ? run.state.parameters() : Vector{},
                  run.previous, run.lowest_objective, run.inference ? &*run.inference : nullptr},
                 outcome);
    outcome.diagnosis = std::move(diagnosis.texts);
    if (run.inference) {
        run.inference->withhold_unbounded(diagnosis.unbounded, diagnosis.is_held_by_little);
    }
    for (const std::string& text : outcome.diagnosis) {
        run.observer.on_warning(text);
    }
    run.time.diagnosis = seconds_since(begin);
}

void add_models(EndedRun& run, TrainOutcome& outcome) {
    const auto model_at = [&](const Vector& parameters) {
        return model_of_run({*run.data.rows, run.state.checkpoint, run.options.has_intercept},
                            parameters, outcome.reason);
    };
    const bool lets_go = run.data.rows->sparse && !run.options.verifies;
    if (lets_go) {
        run.standardised.reset();
        run.objective.reset();
    }
    if (run.state.checkpoint.best) {
        const BestParameters& best = *run.state.checkpoint.best;
        outcome.best = {.iteration = best.iteration,
                        .scores = run.data.validation->score(best.parameters).value(),
                        .model = model_at(best.parameters),
                        .model_sha256 = {}};
        outcome.best->model.attributes["best_iteration"] = fmt::format("{}", best.iteration);
        outcome.best->model_sha256 = outcome.best->model.sha256();
    }
    if (lets_go) {
        run.data.rows->shard.sparse = {};
    }
    outcome.model = model_at(run.state.parameters());
    outcome.model_sha256 = outcome.model.sha256();
}

}  // namespace

TrainOutcome describe_outcome(EndedRun&& run, optim::StopReason reason) {
    TrainOutcome outcome;
    outcome.reason = reason;
    outcome.last = run.last;
    outcome.l1 = run.data.penalties.penalty.l1();
    outcome.l2 = run.data.penalties.penalty.l2();
    outcome.first_objective = run.first_objective;
    outcome.is_separable = run.is_separable;
    outcome.has_one_class =
        outcome.is_separable && run.options.has_intercept && run.data.moments.is_of_one_class;
    const auto& rule = run.data.rows->label_rule;
    outcome.has_soft_labels = rule && rule->is_soft();
    outcome.data_fingerprint = run.data.moments.fingerprint;
    outcome.checkpoint = run.record.checkpoint_path();
    outcome.hessians = optim::hessians_used(run.state.checkpoint.state);
    outcome.hessian_products = optim::products_used(run.state.checkpoint.state);
    // What the diagnosis reads is no pass of the run, but it takes its time.
    outcome.bytes_read = run.data.rows->bytes_read(run.comm);
    run.standardised->let_requests_through(false);
    add_diagnosis(run, outcome);
    add_times(run, outcome);
    add_models(run, outcome);
    if (run.inference) {
        run.inference->model_sha256 = outcome.model_sha256;
        outcome.inference = std::move(run.inference);
    }
    return outcome;
}

}  // namespace paralogit::train
