#include "train_values.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <string_view>

#include "loss_values.hpp"
#include "penalty_values.hpp"
#include "row_use_values.hpp"
#include "solver_options.hpp"
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
    refuse_options_of_others(options);
    const bool has_rate = options.has("learning-rate");
    if (has_rate) {
        solver.gradient_descent.learning_rate =
            options.number("learning-rate", {0.0, infinity, false});
    }
    read_stochastic(options, max_iterations, solver);
    solver.gradient_descent.backtracking = !has_rate;
    solver.lbfgs.history = static_cast<int>(options.integer("history", 1, 1000));
    if (options.has("hessian-fraction")) {
        const Index thinning = thinning_of(options.number("hessian-fraction", {0.0, 1.0, false}));
        solver.newton.thinning = thinning;
        solver.newton.keeps_thinning = true;
        solver.newton_cg.thinning = thinning;
        solver.prox_newton.thinning = thinning;
        solver.prox_newton.keeps_thinning = true;
    }
    return solver;
}

}  // namespace

bool ends_with_the_job(const Options& options) {
    return options.has("time-limit") && options.text("time-limit") == "auto";
}

namespace {

/// Seconds since the start of the process. SLURM tells when the allocation ends; the checkpoint and
/// the model want some of the rest.
std::optional<double> time_limit_of(const Options& options,
                                    std::chrono::steady_clock::time_point process_start) {
    if (!ends_with_the_job(options)) {
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
    const std::string_view text(end);
    if (text == "never") {
        return std::nullopt;
    }
    Index end_seconds = 0;
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
        {"early-stopping-metric",
         train.early_stopping_metric == train::ValidationMetric::roc_auc ? "auc" : "loss"},
        {"reduction", train.reduction == train::Reduction::exact ? "exact" : "fast"},
    });
    options.merge(path_options_of(train.row_use));
    options.merge(path_options_of(train.loss));
    return options;
}

}  // namespace

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
    refuse_idle_options(options, train);
    train.has_intercept = options.yes_or_no("intercept");
    train.standardize = options.yes_or_no("standardize");
    train.initial = options.text("initial");
    constexpr std::string_view reductions[] = {"exact", "fast"};
    train.reduction = options.choice("reduction", reductions) == "exact" ? train::Reduction::exact
                                                                         : train::Reduction::fast;
    train.stopping.tolerance =
        options.number("tolerance", {0.0, infinity}) * train.loss.of_margin_zero();
    train.verifies = options.is_set("verify");
    const double confidence = options.number("confidence", {0.0, 1.0, false, false});
    if (options.is_set("inference")) {
        if (train.loss.is_focal()) {
            throw Error(ExitCode::usage,
                        "--inference: a focal loss is no likelihood, so there are no standard "
                        "errors; leave out --inference, or --loss focal");
        }
        if (train.penalty.has_l1()) {
            throw Error(ExitCode::usage,
                        "--inference: there are no standard errors of coefficients that an L1 "
                        "penalty chooses; train without it, or with --l2 alone");
        }
        train.inference_confidence = confidence;
    } else if (options.differs_from_standard("confidence")) {
        throw Error(ExitCode::usage,
                    "--confidence is the level of the intervals of --inference, which is not "
                    "given");
    }
    train.time_limit_seconds = time_limit_of(options, context.process_start);
    train.makes_an_iteration = ends_with_the_job(options);
    if (options.has("checkpoint-every")) {
        train.checkpoint_every = options.integer("checkpoint-every", 0, largest);
    }
    train.spares_checkpoints = !options.has("checkpoint-every");
    train.keep_checkpoints = static_cast<int>(options.integer("keep-checkpoints", 1, 1'000'000));
    train.path_options = path_options(train, context.comm.size());
    train.config_used = options.as_config();
    train.version = version();
    train.process_start = context.process_start;
    return train;
}

}  // namespace paralogit::app
