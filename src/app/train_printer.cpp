#include "train_printer.hpp"

#include <fmt/format.h>

#include <cmath>

#include "loss_values.hpp"
#include "source_values.hpp"
#include "stochastic_values.hpp"

namespace paralogit::app {

namespace {

std::string objective_text(const train::Penalties& penalties, const train::TrainOptions& options) {
    const model::Penalty& penalty = penalties.penalty;
    std::string text = "mean " + loss_text(options.loss);
    if (penalty.l1() > 0) {
        text += fmt::format(" + {} |w|_1", penalty.l1());
    }
    if (penalty.l2() > 0) {
        text += fmt::format(" + {}/2 |w|^2", penalty.l2());
    }
    if (penalty.l1() == 0 && penalty.l2() == 0) {
        text += ", no penalty";
    } else if (options.penalty.is_of_standardised) {
        text += ", w in units of the features' standard deviations";
    }
    text += options.penalty.factors.empty() ? "" : ", a factor per feature";
    return text + (options.penalty.has_bounds() ? ", w within bounds" : "");
}

std::string data_text(const data::Manifest& manifest) {
    const std::size_t files = manifest.files.size();
    return fmt::format("{}:{}{}: {} rows x {} features, {}", manifest.files.front().path,
                       manifest.files.front().features_path,
                       files > 1 ? fmt::format(" and {} more", files - 1) : "", manifest.rows,
                       manifest.features, name_of(manifest.type));
}

/// Where the names of the features are from, with the file unless it is the first.
std::string names_text(const data::Manifest& manifest) {
    for (const data::FilePart& part : manifest.files) {
        if (!part.names_path.empty()) {
            return ", named by " + (&part == manifest.files.data() ? "" : part.path + ":") +
                   part.names_path;
        }
    }
    return "";
}

std::string memory_text(const train::MemoryPlan& memory) {
    const std::string limit =
        memory.limit_source.empty()
            ? std::string()
            : fmt::format("; a rank may take {} ({})", train::bytes_text(memory.limit_bytes),
                          memory.limit_source);
    return memory.is_streamed()
               ? fmt::format("streamed: {} of {} are read from files in each pass, {} by a rank",
                             train::bytes_text(memory.global_streamed_bytes),
                             train::bytes_text(memory.global_bytes),
                             train::bytes_text(memory.largest_streamed_bytes)) +
                     limit
               : "resident: all rows are read once" + limit;
}

std::string streamed_text(const train::MemoryPlan& memory) {
    return memory.is_streamed() ? fmt::format("; {} are read from files in each pass",
                                              train::bytes_text(memory.global_streamed_bytes))
                                : "";
}

void add_row_use(const train::RunFacts& facts, const train::TrainOptions& options,
                 std::vector<std::pair<std::string, std::string>>& rows) {
    if (options.row_use.balances_classes || options.row_use.class_weights) {
        rows.emplace_back("class weights",
                          fmt::format("{:.6g} negative, {:.6g} positive{}",
                                      facts.class_weights.negative, facts.class_weights.positive,
                                      options.row_use.balances_classes ? " (balanced)" : ""));
    }
    if (facts.validation != nullptr) {
        const bool holds_out = options.row_use.hold_out.has_value();
        rows.emplace_back("validation", holds_out
                                            ? fmt::format("{} of the rows, held out of training",
                                                          facts.validation->manifest.rows)
                                            : data_text(facts.validation->manifest) +
                                                  streamed_text(facts.validation->memory));
        if (const std::string others = other_datasets_text(facts.validation->manifest);
            !others.empty()) {
            rows.emplace_back("", others);
        }
    }
}

/// Empty where there is none.
std::string area_text(const train::ValidationScores& scores) {
    return std::isnan(scores.roc_auc) ? "" : fmt::format(", AUC {:.6f}", scores.roc_auc);
}

std::string validation_text(const train::IterationFacts& facts) {
    return facts.validation
               ? fmt::format("validation {:.6f} ({:.4f} right{})  ", facts.validation->loss,
                             facts.validation->accuracy, area_text(*facts.validation))
               : "";
}

std::string solver_text(const train::SolverChoice& choice, const train::TrainOptions& options) {
    const train::SolverOptions& solver = options.solver;
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
    text += options.standardize ? ", in standardised variables" : ", in the features' own units";
    return choice.reason.empty() ? text : text + fmt::format(" ({})", choice.reason);
}

std::string stop_text(const train::TrainOptions& options) {
    std::string text = fmt::format("gradient <= {:g}, or {} iterations", options.stopping.tolerance,
                                   options.stopping.max_iterations);
    if (options.time_limit_seconds) {
        text += fmt::format(", or {:.0f} s", *options.time_limit_seconds);
    }
    if (options.early_stopping) {
        text += fmt::format(", or a validation {} for {} iterations",
                            options.early_stopping_metric == train::ValidationMetric::roc_auc
                                ? "AUC that is not the largest"
                                : "loss that is not the lowest",
                            *options.early_stopping);
    }
    return text;
}

/// Of rows, and of their weights where they have some.
std::string positive_text(const train::RunFacts& facts) {
    const std::string of_rows =
        fmt::format("{:.1f} % positive", 100 * facts.moments.positive_share_of_rows);
    const bool has_weights = !facts.manifest.files.front().weights_path.empty() ||
                             facts.class_weights.negative != 1 || facts.class_weights.positive != 1;
    return has_weights
               ? fmt::format("{}, {:.1f} % by weight", of_rows, 100 * facts.moments.positive_share)
               : of_rows;
}

}  // namespace

void TrainPrinter::on_loaded(const train::RunFacts& facts) {
    const data::Manifest& manifest = facts.manifest;
    std::vector<std::pair<std::string, std::string>> rows{
        {"data", data_text(manifest)},
        {"features", manifest.files.front().features_path +
                         (manifest.is_transposed ? " (features x rows)" : "") +
                         names_text(manifest)},
        {"labels", fmt::format("{}: {}; {}", manifest.files.front().labels_path,
                               facts.label_description, positive_text(facts))},
    };
    if (const std::string others = other_datasets_text(manifest); !others.empty()) {
        rows.emplace_back("datasets", others);
    }
    if (!manifest.files.front().weights_path.empty()) {
        rows.emplace_back("row weights",
                          fmt::format("{}, sum {}", manifest.files.front().weights_path,
                                      facts.moments.weight_sum));
    }
    add_row_use(facts, options_, rows);
    rows.emplace_back(
        "ranks",
        fmt::format("{} of {} thread{} ({}), which share {} block{} of up to {} rows", facts.ranks,
                    facts.execution.threads, facts.execution.threads == 1 ? "" : "s",
                    name_of(facts.execution.isa), facts.plan.blocks(),
                    facts.plan.blocks() == 1 ? "" : "s", facts.plan.rows_per_block()));
    rows.emplace_back("memory", memory_text(facts.memory));
    rows.emplace_back("objective", objective_text(facts.penalties, options_) +
                                       (options_.has_intercept ? "" : ", no intercept"));
    rows.emplace_back("solver", solver_text(facts.solver, options_));
    rows.emplace_back("stops", stop_text(options_));
    rows.emplace_back(
        "checkpoints",
        options_.checkpoint_every > 0
            ? fmt::format("every {} iterations{}, newest {} kept", options_.checkpoint_every,
                          options_.spares_checkpoints ? " or more" : "", options_.keep_checkpoints)
            : "at the end and when stopped");
    rows.emplace_back("output", options_.out.string());
    rows.emplace_back(
        "loaded", fmt::format("{:.1f} MB in {:.2f} s",
                              static_cast<double>(facts.global_bytes) / 1e6, facts.load_seconds));
    console_.table("paralogit " + options_.version + ": settings", rows);
}

void TrainPrinter::on_resumed(const train::CheckpointStore::Found& found, Index iteration) {
    for (const auto& [path, reason] : found.rejected) {
        console_.warning(fmt::format("checkpoint {} is passed over: {}", path.string(), reason));
    }
    console_.info(
        fmt::format("resuming after iteration {}, from {}", iteration, found.path.string()));
}

void TrainPrinter::on_iteration(const train::IterationFacts& facts) {
    console_.progress(fmt::format(
        "iteration {:>4}  objective {:.10f}  loss {:.6f}  {}{}  {}passes {:>4}  {:.1f} s",
        facts.iteration, facts.objective, facts.loss, validation_text(facts),
        facts.is_evaluated ? fmt::format("gradient {:.2e}", facts.gradient_norm)
                           : std::string("(running mean)"),
        options_.penalty.has_kinks() ? fmt::format("nonzeros {:>5}  ", facts.nonzeros) : "",
        facts.passes, facts.seconds));
}

void TrainPrinter::on_checkpoint(Index iteration, const std::filesystem::path& path) {
    console_.detail(
        fmt::format("checkpoint of iteration {} is safe: {}", iteration, path.string()));
}

}  // namespace paralogit::app
