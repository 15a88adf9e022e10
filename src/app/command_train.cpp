#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <string_view>

#include "execution_values.hpp"
#include "inference_table.hpp"
#include "loss_values.hpp"
#include "paralogit/app/commands.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/train/trace_file.hpp"
#include "paralogit/train/trainer.hpp"
#include "penalty_values.hpp"
#include "row_use_values.hpp"
#include "source_values.hpp"
#include "stochastic_values.hpp"

namespace paralogit::app {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr Index largest = std::numeric_limits<Index>::max();

train::ExistingRun existing_run(const Options& options) {
    const bool resumes = options.is_set("resume");
    const bool overwrites = options.is_set("overwrite");
    if (resumes && overwrites) {
        throw Error(ExitCode::usage,
                    "--resume and --overwrite contradict each other: the one keeps "
                    "the earlier run, the other removes it");
    }
    if (resumes) {
        return train::ExistingRun::resume;
    }
    return overwrites ? train::ExistingRun::overwrite : train::ExistingRun::refuse;
}

/// The thinning that leaves at least this part of the rows: a power of two, and a row of each
/// block, since blocks are.
Index thinning_of(double fraction) {
    constexpr Index most_rows_of_block = 1024;
    Index thinning = 1;
    while (fraction * static_cast<double>(2 * thinning) <= 1 && thinning < most_rows_of_block) {
        thinning *= 2;
    }
    return thinning;
}

train::SolverOptions read_solver(const Options& options, Index max_iterations) {
    constexpr std::string_view solvers[] = {"auto", "newton",      "newton-cg", "lbfgs",
                                            "gd",   "prox-newton", "owl-qn",    "sgd",
                                            "adam", "adagrad"};
    train::SolverOptions solver;
    solver.name = options.choice("solver", solvers);
    const bool has_rate = options.has("learning-rate");
    if (has_rate) {
        solver.gradient_descent.learning_rate =
            options.number("learning-rate", {0.0, infinity, false});
    }
    if (has_rate && solver.name != "gd" && !train::is_stochastic(solver.name)) {
        throw Error(ExitCode::usage,
                    "--learning-rate is an option of --solver gd, sgd, adam and adagrad; the other "
                    "solvers find their own step lengths");
    }
    read_stochastic(options, max_iterations, solver);
    solver.gradient_descent.backtracking = !has_rate;
    solver.lbfgs.history = static_cast<int>(options.integer("history", 1, 1000));
    if (options.has("hessian-fraction")) {
        if (solver.name == "lbfgs" || solver.name == "gd" || solver.name == "owl-qn" ||
            train::is_stochastic(solver.name)) {
            throw Error(ExitCode::usage,
                        "--hessian-fraction is an option of --solver newton, newton-cg and "
                        "prox-newton; " +
                            solver.name + " uses no Hessian");
        }
        const Index thinning = thinning_of(options.number("hessian-fraction", {0.0, 1.0, false}));
        solver.newton.thinning = thinning;
        solver.newton.keeps_thinning = true;
        solver.newton_cg.thinning = thinning;
        solver.prox_newton.thinning = thinning;
        solver.prox_newton.keeps_thinning = true;
    }
    return solver;
}

/// Seconds since the start of the process. SLURM tells when the allocation ends; the checkpoint and
/// the model want some of the rest.
std::optional<double> time_limit_of(const Options& options,
                                    std::chrono::steady_clock::time_point process_start) {
    if (!options.has("time-limit") || options.text("time-limit") != "auto") {
        return options.seconds("time-limit", ", or auto");
    }
    const char* const end = std::getenv("SLURM_JOB_END_TIME");
    if (end == nullptr) {
        if (std::getenv("SLURM_JOB_ID") == nullptr) {
            return std::nullopt;
        }
        throw Error(ExitCode::usage,
                    "--time-limit auto: this SLURM does not say when the job ends; set "
                    "SLURM_JOB_END_TIME to it, in seconds since 1970, as launch/train.sbatch does");
    }
    Index end_seconds = 0;
    const std::string_view text(end);
    const auto [rest, failure] = std::from_chars(text.begin(), text.end(), end_seconds);
    if (failure != std::errc() || rest != text.end()) {
        throw Error(ExitCode::usage,
                    fmt::format("--time-limit auto: SLURM_JOB_END_TIME is '{}', not seconds since "
                                "1970",
                                text));
    }
    constexpr double for_the_checkpoint = 60;
    const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
    const std::chrono::duration<double> so_far = std::chrono::steady_clock::now() - process_start;
    return std::max(
        0.0, static_cast<double>(end_seconds) - now.count() + so_far.count() - for_the_checkpoint);
}

/// What decides the sequence of iterates, by value, however it was written; the solver that was
/// chosen joins it when the data is known. Stopping rules and output may change on resume.
std::map<std::string, std::string> path_options(const train::TrainOptions& train, int ranks) {
    const train::SolverOptions& solver = train.solver;
    const bool has_rate = solver.name == "gd" && !solver.gradient_descent.backtracking;
    const auto yes_or_no = [](bool value) { return std::string(value ? "yes" : "no"); };
    // Of those that are named twice the first are kept.
    std::map<std::string, std::string> options = path_options_of_batches(solver, ranks);
    options.merge(std::map<std::string, std::string>{
        {"learning-rate",
         has_rate ? fmt::format("{}", solver.gradient_descent.learning_rate) : "unset"},
        {"history", fmt::format("{}", solver.lbfgs.history)},
        {"hessian-fraction",
         solver.newton.keeps_thinning ? fmt::format("1/{}", solver.newton.thinning) : "unset"},
        {"intercept", yes_or_no(train.has_intercept)},
        {"standardize", yes_or_no(train.standardize)},
        {"initial", train.initial},
        {"reduction", train.reduction == train::Reduction::exact ? "exact" : "fast"},
    });
    options.merge(path_options_of(train.row_use));
    options.merge(path_options_of(train.loss));
    return options;
}

train::TrainOptions read_train_options(const Options& options, const Context& context) {
    train::TrainOptions train;
    train.paths = options.list("data");
    train.source = source_of(options, true);
    read_row_use(options, train);
    train.out = options.text("out");
    train.existing = existing_run(options);
    if (options.has("max-iterations")) {
        train.stopping.max_iterations = options.integer("max-iterations", 0, largest);
    } else {
        train.stopping.max_iterations = train::is_stochastic(options.text("solver")) ? 100 : 10000;
    }
    train.solver = read_solver(options, train.stopping.max_iterations);
    train.loss = read_loss(options);
    train.penalty = read_penalty(options);
    train.solver.has_kinks = train.penalty.has_kinks();
    check_solver(train.penalty, train.solver);
    train.has_intercept = options.yes_or_no("intercept");
    train.standardize = options.yes_or_no("standardize");
    train.initial = options.text("initial");
    constexpr std::string_view reductions[] = {"exact", "fast"};
    train.reduction = options.choice("reduction", reductions) == "exact" ? train::Reduction::exact
                                                                         : train::Reduction::fast;
    train.stopping.tolerance = options.number("tolerance", {0.0, infinity});
    train.verifies = options.is_set("verify");
    const double confidence = options.number("confidence", {0.0, 1.0, false, false});
    if (options.is_set("inference")) {
        if (train.loss.is_focal()) {
            throw Error(ExitCode::usage,
                        "--inference: a focal loss is no likelihood, so there are no standard "
                        "errors; leave out --inference, or --loss focal");
        }
        if (train.penalty.has_kinks()) {
            throw Error(ExitCode::usage,
                        "--inference: there are no standard errors of coefficients that an L1 "
                        "penalty or bounds choose; train without these, or with --l2 alone");
        }
        train.inference_confidence = confidence;
    }
    train.time_limit_seconds = time_limit_of(options, context.process_start);
    train.checkpoint_every = options.integer("checkpoint-every", 0, largest);
    train.keep_checkpoints = static_cast<int>(options.integer("keep-checkpoints", 1, 1'000'000));
    train.path_options = path_options(train, context.comm.size());
    train.config_used = options.as_config();
    train.version = version();
    train.process_start = context.process_start;
    return train;
}

class TrainPrinter : public train::TrainObserver {
  public:
    TrainPrinter(Console& console, const train::TrainOptions& options)
        : console_(console), options_(options) {}

    void on_loaded(const train::RunFacts& facts) override {
        const data::Manifest& manifest = facts.manifest;
        std::vector<std::pair<std::string, std::string>> rows{
            {"data", data_text(manifest)},
            {"features", manifest.files.front().features_path +
                             (manifest.is_transposed ? " (features x rows)" : "")},
            {"labels", fmt::format("{}: {}; {:.1f} % positive", manifest.files.front().labels_path,
                                   facts.label_description, 100 * facts.moments.positive_share)},
        };
        if (!manifest.files.front().weights_path.empty()) {
            rows.emplace_back("row weights",
                              fmt::format("{}, sum {}", manifest.files.front().weights_path,
                                          facts.moments.weight_sum));
        }
        add_row_use(facts, rows);
        rows.emplace_back(
            "ranks", fmt::format("{} of {} thread{} ({}), which share {} block{} of up to {} rows",
                                 facts.ranks, facts.execution.threads,
                                 facts.execution.threads == 1 ? "" : "s",
                                 name_of(facts.execution.isa), facts.plan.blocks(),
                                 facts.plan.blocks() == 1 ? "" : "s", facts.plan.rows_per_block()));
        rows.emplace_back("memory", memory_text(facts.memory));
        rows.emplace_back("objective", objective_text(facts.penalties) +
                                           (options_.has_intercept ? "" : ", no intercept"));
        rows.emplace_back("solver", solver_text(facts.solver));
        rows.emplace_back("stops", stop_text());
        rows.emplace_back("checkpoints",
                          options_.checkpoint_every > 0
                              ? fmt::format("every {} iterations, newest {} kept",
                                            options_.checkpoint_every, options_.keep_checkpoints)
                              : "at the end and when stopped");
        rows.emplace_back("output", options_.out.string());
        rows.emplace_back("loaded", fmt::format("{:.1f} MB in {:.2f} s",
                                                static_cast<double>(facts.global_bytes) / 1e6,
                                                facts.load_seconds));
        console_.table("paralogit " + options_.version + ": settings", rows);
    }

    void on_resumed(const train::CheckpointStore::Found& found, Index iteration) override {
        for (const auto& [path, reason] : found.rejected) {
            console_.warning(
                fmt::format("checkpoint {} is passed over: {}", path.string(), reason));
        }
        console_.info(
            fmt::format("resuming after iteration {}, from {}", iteration, found.path.string()));
    }

    void on_iteration(const train::IterationFacts& facts) override {
        console_.progress(fmt::format(
            "iteration {:>4}  objective {:.10f}  loss {:.6f}  {}{}  {}passes {:>4}  {:.1f} s",
            facts.iteration, facts.objective, facts.loss, validation_text(facts),
            facts.is_evaluated ? fmt::format("gradient {:.2e}", facts.gradient_norm)
                               : std::string("(running mean)"),
            options_.penalty.has_kinks() ? fmt::format("nonzeros {:>5}  ", facts.nonzeros) : "",
            facts.passes, facts.seconds));
    }

    void on_checkpoint(Index iteration, const std::filesystem::path& path) override {
        console_.detail(
            fmt::format("checkpoint of iteration {} is safe: {}", iteration, path.string()));
    }

    void on_warning(const std::string& text) override { console_.warning(text); }

  private:
    std::string objective_text(const train::Penalties& penalties) const {
        const model::Penalty& penalty = penalties.penalty;
        std::string text = "mean " + loss_text(options_.loss);
        if (penalty.l1() > 0) {
            text += fmt::format(" + {} |w|_1", penalty.l1());
        }
        if (penalty.l2() > 0) {
            text += fmt::format(" + {}/2 |w|^2", penalty.l2());
        }
        if (penalty.l1() == 0 && penalty.l2() == 0) {
            text += ", no penalty";
        } else if (options_.penalty.is_of_standardised) {
            text += ", w in units of the features' standard deviations";
        }
        text += options_.penalty.factors.empty() ? "" : ", a factor per feature";
        return text + (options_.penalty.has_bounds() ? ", w within bounds" : "");
    }

    static std::string data_text(const data::Manifest& manifest) {
        const std::size_t files = manifest.files.size();
        return fmt::format("{}{}: {} rows x {} features, {}", manifest.files.front().path,
                           files > 1 ? fmt::format(" and {} more", files - 1) : "", manifest.rows,
                           manifest.features, name_of(manifest.type));
    }

    static std::string memory_text(const train::MemoryPlan& memory) {
        const std::string limit =
            memory.limit_source.empty()
                ? std::string()
                : fmt::format("; a rank may take {} ({})", train::bytes_text(memory.limit_bytes),
                              memory.limit_source);
        return memory.is_streamed()
                   ? fmt::format(
                         "streamed: {} of {} are read from files in each pass, {} by a rank",
                         train::bytes_text(memory.global_streamed_bytes),
                         train::bytes_text(memory.global_bytes),
                         train::bytes_text(memory.largest_streamed_bytes)) +
                         limit
                   : "resident: all rows are read once" + limit;
    }

    void add_row_use(const train::RunFacts& facts,
                     std::vector<std::pair<std::string, std::string>>& rows) const {
        if (options_.row_use.balances_classes || options_.row_use.class_weights) {
            rows.emplace_back(
                "class weights",
                fmt::format("{:.6g} negative, {:.6g} positive{}", facts.class_weights.negative,
                            facts.class_weights.positive,
                            options_.row_use.balances_classes ? " (balanced)" : ""));
        }
        if (facts.validation != nullptr) {
            const bool holds_out = options_.row_use.hold_out.has_value();
            rows.emplace_back("validation",
                              holds_out ? fmt::format("{} of the rows, held out of training",
                                                      facts.validation->manifest.rows)
                                        : data_text(facts.validation->manifest) +
                                              streamed_text(facts.validation->memory));
        }
    }

    static std::string streamed_text(const train::MemoryPlan& memory) {
        return memory.is_streamed() ? fmt::format("; {} are read from files in each pass",
                                                  train::bytes_text(memory.global_streamed_bytes))
                                    : "";
    }

    static std::string validation_text(const train::IterationFacts& facts) {
        return facts.validation ? fmt::format("validation {:.6f} ({:.4f} right)  ",
                                              facts.validation->loss, facts.validation->accuracy)
                                : "";
    }

    std::string solver_text(const train::SolverChoice& choice) const {
        const train::SolverOptions& solver = options_.solver;
        std::string text = choice.name;
        if (choice.name == "lbfgs" || choice.name == "owl-qn") {
            text += fmt::format(", {} pairs", solver.lbfgs.history);
        } else if (choice.name == "gd") {
            text = solver.gradient_descent.backtracking
                       ? "gradient descent with backtracking"
                       : fmt::format("gradient descent, learning rate {}",
                                     solver.gradient_descent.learning_rate);
        } else if (train::is_stochastic(choice.name)) {
            text = stochastic_text(solver);
        } else if (solver.newton.keeps_thinning) {
            text += fmt::format(", curvature from 1/{} of the rows", solver.newton.thinning);
        }
        text +=
            options_.standardize ? ", in standardised variables" : ", in the features' own units";
        return choice.reason.empty() ? text : text + fmt::format(" ({})", choice.reason);
    }

    std::string stop_text() const {
        std::string text =
            fmt::format("gradient <= {:g}, or {} iterations", options_.stopping.tolerance,
                        options_.stopping.max_iterations);
        if (options_.time_limit_seconds) {
            text += fmt::format(", or {:.0f} s", *options_.time_limit_seconds);
        }
        if (options_.early_stopping) {
            text += fmt::format(", or a validation loss that is not the lowest for {} iterations",
                                *options_.early_stopping);
        }
        return text;
    }

    Console& console_;
    const train::TrainOptions& options_;
};

std::string reason_text(optim::StopReason reason, const train::TrainOptions& options) {
    switch (reason) {
        case optim::StopReason::converged:
            return "converged";
        case optim::StopReason::iteration_limit:
            return "stopped by --max-iterations";
        case optim::StopReason::time_limit:
            return "stopped by --time-limit";
        case optim::StopReason::signal:
            return "stopped by a signal";
        case optim::StopReason::early_stopping:
            return "stopped by --early-stopping";
        case optim::StopReason::separable:
            return "the classes are separable: stopped where the gradient vanishes";
        case optim::StopReason::precision_limit:
            return "stopped at the limit of double arithmetic";
        case optim::StopReason::diverged:
            return (options.solver.name == "gd" && !options.solver.gradient_descent.backtracking) ||
                           train::is_stochastic(options.solver.name)
                       ? "diverged: --learning-rate is too large"
                       : "diverged";
    }
    return "";
}

void warn_of_outcome(const train::TrainOutcome& outcome, const train::TrainOptions& options,
                     Console& console) {
    const bool is_stochastic = train::is_stochastic(options.solver.name);
    if (outcome.has_one_class) {
        console.warning(
            "all rows are of one class: only the intercept is needed to tell them, and no penalty "
            "holds it; its size is arbitrary");
    } else if (outcome.is_separable) {
        console.warning(
            "every row lies on its own side of the model: the classes are separable, and "
            "the optimum lies at infinity; the coefficients are finite but arbitrary in "
            "size. A penalty, such as --l2 1e-3, makes them definite");
    } else if (outcome.reason == optim::StopReason::diverged && is_stochastic) {
        console.warning(
            "the loss of an epoch is not finite, or ten times that of the start; no model is "
            "written");
    } else if (outcome.last.objective > outcome.first_objective) {
        console.warning(fmt::format(
            "the objective is {:g}, higher than {:g} at the start: the steps are too long; give a "
            "smaller --learning-rate{}",
            outcome.last.objective, outcome.first_objective, is_stochastic ? "" : ", or none"));
    } else if (outcome.reason == optim::StopReason::iteration_limit ||
               outcome.reason == optim::StopReason::time_limit) {
        console.warning(
            fmt::format("not converged: the gradient is {:.2e}, above --tolerance {:g}; "
                        "{}",
                        outcome.last.gradient_norm, options.stopping.tolerance,
                        is_stochastic && outcome.reason == optim::StopReason::iteration_limit
                            ? "steps after batches come nearer with more epochs and a "
                              "falling --schedule; --solver auto gets there"
                            : "go on with --resume and a higher limit"));
    } else if (outcome.reason == optim::StopReason::diverged) {
        console.warning(
            "the objective stopped being finite; no model is written. With --solver gd a "
            "smaller --learning-rate helps, or none; else check for huge feature values");
    } else if (outcome.reason == optim::StopReason::signal) {
        console.warning("no model is written yet; go on with --resume");
    }
}

/// A line when the others waited long for one rank, else nothing.
std::string imbalance_text(const train::TrainOutcome& outcome) {
    const std::optional<train::Imbalance> found = train::find_imbalance(outcome.ranks);
    if (!found) {
        return "";
    }
    return fmt::format(
        "  imbalance      rank {} on {} computed {:.2f} s, the others {:.2f} s (median): they "
        "waited "
        "{:.0f} % of the training for it\n",
        found->rank, outcome.ranks[static_cast<std::size_t>(found->rank)].host, found->seconds,
        found->usual_seconds, 100 * found->share_of_train);
}

std::string summary_text(const train::TrainOutcome& outcome, const train::TrainOptions& options) {
    const train::PhaseSeconds& seconds = outcome.seconds;
    const double rest = std::max(0.0, seconds.train - seconds.kernel - seconds.curvature -
                                          seconds.batches - seconds.allreduce - seconds.validation);
    std::string curvature;
    if (outcome.hessians > 0) {
        curvature =
            fmt::format(" and {} Hessian{}", outcome.hessians, outcome.hessians == 1 ? "" : "s");
    } else if (outcome.hessian_products > 0) {
        curvature = fmt::format(" and {} Hessian products", outcome.hessian_products);
    }
    std::string text = fmt::format(
        "{} after {} iterations, {} passes over the data{}\n"
        "  objective      {}\n"
        "  loss           {} (mean {})\n"
        "  gradient       {:.2e} (largest entry)\n"
        "{}"
        "  rows wrong     {} (not strictly on their label's side)\n"
        "  time           {:.2f} s: startup {:.2f}, load {:.2f}, kernel {:.2f}, curvature {:.2f}, "
        "allreduce {:.2f}, rest of training {:.2f}, checkpoints {:.2f}\n{}",
        reason_text(outcome.reason, options), outcome.last.iteration, outcome.last.passes,
        curvature, outcome.last.objective, outcome.last.loss, loss_text(options.loss),
        outcome.last.gradient_norm,
        options.penalty.has_kinks()
            ? fmt::format("  nonzeros       {} of the coefficients\n", outcome.last.nonzeros)
            : "",
        outcome.last.rows_wrong, seconds.total, seconds.startup, seconds.load, seconds.kernel,
        seconds.curvature, seconds.allreduce, rest, seconds.checkpoint, batches_text(outcome));
    if (outcome.best) {
        text += fmt::format("  validation     loss {}, lowest {} after iteration {}\n",
                            outcome.last.validation->loss, outcome.best->scores.loss,
                            outcome.best->iteration);
        text += fmt::format("  best model     {}\n", (options.out / "best_model.h5").string());
    }
    if (train::has_model(outcome.reason)) {
        text += fmt::format("  model          {}\n", (options.out / "model.h5").string());
    }
    text += imbalance_text(outcome);
    if (outcome.verification) {
        text += fmt::format("  verified       objective {}, conditions hold to {:.2e}\n",
                            outcome.verification->objective, outcome.verification->violation);
    }
    return text + fmt::format("  checkpoint     {}\n  model_sha256   {}",
                              outcome.checkpoint.string(), outcome.model_sha256);
}

train::TraceFile::Options trace_options(const Options& options, const Context& context,
                                        int threads) {
    return {.path = options.text("trace"),
            // A job that goes on does so by the same command.
            .replaces = options.is_set("overwrite") || options.is_set("resume"),
            .threads = threads,
            .process_start = context.process_start};
}

}  // namespace

ExitCode run_train(const Context& context, const Options& options) {
    train::TrainOptions train =
        comm::together(context.comm, [&] { return read_train_options(options, context); });
    train.execution = execution_of(context, options);
    std::optional<train::TraceFile> trace;
    if (options.has("trace")) {
        trace.emplace(context.comm, trace_options(options, context, train.execution.threads));
        train.execution.trace = trace->trace();
    }
    context.console.info(fmt::format("paralogit {}: training on {} rank{}", version(),
                                     context.comm.size(), context.comm.size() > 1 ? "s" : ""));
    TrainPrinter printer(context.console, train);
    const train::TrainOutcome outcome = train::train(context.comm, train, printer);
    warn_of_outcome(outcome, train, context.console);
    if (outcome.inference) {
        warn_of_inference(*outcome.inference, context.console);
        context.console.result(inference_table(*outcome.inference, train.out));
    }
    context.console.result(summary_text(outcome, train));
    if (trace) {
        trace->write();
    }
    if (outcome.reason == optim::StopReason::time_limit && options.text("time-limit") == "auto") {
        // The end of the allocation is nobody's wish: the job is to be queued again.
        return ExitCode::stopped_by_signal;
    }
    return train::exit_code_of(outcome.reason);
}

}  // namespace paralogit::app
