#include "train_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "loss_values.hpp"
#include "stochastic_values.hpp"

namespace paralogit::app {

namespace {

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

}  // namespace

void warn_of_outcome(const train::TrainOutcome& outcome, const train::TrainOptions& options,
                     Console& console) {
    const bool is_stochastic = train::is_stochastic(options.solver.name);
    if (outcome.has_one_class) {
        // The diagnosis has said what there is to say.
        return;
    }
    if (outcome.is_separable) {
        console.warning(fmt::format(
            "every row lies on its own side of the model: the classes are separable, and "
            "the optimum lies at infinity; the coefficients are finite but arbitrary in "
            "size. {} makes them definite",
            options.penalty.is_penalised() ? "Penalising what --penalty-factors leaves out too"
                                           : "A penalty, such as --l2 1e-3,"));
    } else if (outcome.reason == optim::StopReason::diverged && is_stochastic) {
        console.warning(
            "the loss of an epoch is not finite, or ten times that of the start; no model is "
            "written");
    } else if (train::ends_above_its_start(outcome, options)) {
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
        "{}"
        "  time           {:.2f} s: startup {:.2f}, load {:.2f}, kernel {:.2f}, curvature {:.2f}, "
        "allreduce {:.2f}, rest of training {:.2f}, diagnosis {:.2f}, checkpoints {:.2f}\n{}",
        reason_text(outcome.reason, options), outcome.last.iteration, outcome.last.passes,
        curvature, outcome.last.objective, outcome.last.loss, loss_text(options.loss),
        outcome.last.gradient_norm,
        options.penalty.has_kinks()
            ? fmt::format("  nonzeros       {} of the coefficients\n", outcome.last.nonzeros)
            : "",
        outcome.has_soft_labels
            ? ""
            : fmt::format("  rows wrong     {} (not strictly on their label's side)\n",
                          outcome.last.rows_wrong),
        seconds.total, seconds.startup, seconds.load, seconds.kernel, seconds.curvature,
        seconds.allreduce, rest, seconds.diagnosis, seconds.checkpoint, batches_text(outcome));
    if (outcome.best) {
        const train::ValidationScores& last = *outcome.last.validation;
        const train::ValidationScores& best = outcome.best->scores;
        const bool is_by_area = options.early_stopping_metric == train::ValidationMetric::roc_auc;
        text += fmt::format("  validation     loss {}{}, {} {} after iteration {}\n", last.loss,
                            std::isnan(last.roc_auc) ? "" : fmt::format(", AUC {}", last.roc_auc),
                            is_by_area ? "largest AUC" : "lowest loss",
                            is_by_area ? best.roc_auc : best.loss, outcome.best->iteration);
        text += fmt::format("  best model     {}\n", (options.out / "best_model.h5").string());
    }
    if (train::has_model(outcome.reason)) {
        text += fmt::format("  model          {}\n", (options.out / "model.h5").string());
    }
    text += imbalance_text(outcome);
    if (outcome.verification) {
        const train::Verification& verification = *outcome.verification;
        // What matters to nobody is not told.
        constexpr double unusual = 1e-9;
        const bool lost_digits =
            verification.objective_rounding > unusual || verification.violation_rounding > unusual;
        text += fmt::format("  verified       objective {}, conditions hold to {:.2e}{}\n",
                            verification.objective, verification.violation,
                            lost_digits ? fmt::format(" (rounding of the margins: {:.1e}, {:.1e})",
                                                      verification.objective_rounding,
                                                      verification.violation_rounding)
                                        : "");
    }
    return text + fmt::format("  checkpoint     {}\n  model_sha256   {}",
                              outcome.checkpoint.string(), outcome.model_sha256);
}

}  // namespace paralogit::app
