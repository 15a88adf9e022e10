#include "paralogit/train/report.hpp"

#include <nlohmann/json.hpp>

namespace paralogit::train {

namespace {

/// The scores as members of an object. What is not finite becomes null.
void put_scores(nlohmann::ordered_json& object, const std::string& prefix,
                const ValidationScores& scores) {
    object[prefix + "loss"] = scores.loss;
    object[prefix + "accuracy"] = scores.accuracy;
    object[prefix + "roc_auc"] = scores.roc_auc;
    object[prefix + "average_precision"] = scores.average_precision;
}

const char* name_of(const model::Loss& loss) {
    return loss.is_focal() ? "focal" : "bce";
}

nlohmann::ordered_json json_of_validation(const TrainOutcome& outcome, const DataSet& rows,
                                          const TrainOptions& options) {
    nlohmann::ordered_json validation;
    validation["rows"] = rows.manifest.rows;
    if (outcome.last.validation) {
        put_scores(validation, "", *outcome.last.validation);
    }
    if (outcome.best) {
        validation["best_is"] = options.early_stopping_metric == ValidationMetric::roc_auc
                                    ? "largest roc_auc"
                                    : "lowest loss";
        validation["best_iteration"] = outcome.best->iteration;
        put_scores(validation, "best_", outcome.best->scores);
        validation["best_model_sha256"] = outcome.best->model_sha256;
    }
    return validation;
}

nlohmann::ordered_json json_of(const PhaseSeconds& seconds) {
    nlohmann::ordered_json json;
    for (const Phase& phase : phases()) {
        json[phase.name] = seconds.*phase.seconds;
    }
    return json;
}

nlohmann::ordered_json json_of(const std::vector<RankTimes>& ranks) {
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    for (const RankTimes& rank : ranks) {
        nlohmann::ordered_json& object = json.emplace_back();
        object["rank"] = json.size() - 1;
        object["host"] = rank.host;
        object.update(json_of(rank.seconds));
    }
    return json;
}

nlohmann::ordered_json json_of_spreads(const std::vector<RankTimes>& ranks) {
    nlohmann::ordered_json json;
    for (const Phase& phase : phases()) {
        const Spread spread = spread_of(ranks, phase.seconds);
        json[phase.name] = {
            {"min", spread.smallest},
            {"median", spread.median},
            {"max", spread.largest},
            {"slowest_rank", spread.slowest_rank},
            {"slowest_host", ranks[static_cast<std::size_t>(spread.slowest_rank)].host}};
    }
    return json;
}

}  // namespace

std::string metrics_line(const IterationFacts& facts, const model::Loss& loss,
                         bool has_soft_labels) {
    nlohmann::ordered_json line;
    line["iteration"] = facts.iteration;
    line["passes"] = facts.passes;
    line["objective"] = facts.objective;
    line["loss"] = facts.loss;
    line["loss_is"] = name_of(loss);
    if (facts.running_objective) {
        line["running_objective"] = *facts.running_objective;
        line["is_evaluated"] = facts.is_evaluated;
    }
    if (facts.is_evaluated) {
        line["gradient_norm"] = facts.gradient_norm;
    }
    line["nonzeros"] = facts.nonzeros;
    if (facts.is_evaluated && !has_soft_labels) {
        line["rows_wrong"] = facts.rows_wrong;
    }
    if (facts.validation) {
        put_scores(line, "validation_", *facts.validation);
    }
    line["seconds"] = facts.seconds;
    return line.dump();
}

std::string summary_json(const TrainOutcome& outcome, const RunFacts& facts,
                         const TrainOptions& options) {
    nlohmann::ordered_json summary;
    summary["objective"] = outcome.last.objective;
    summary["loss"] = outcome.last.loss;
    summary["loss_is"] = name_of(options.loss);
    if (options.loss.is_focal()) {
        summary["focal_gamma"] = options.loss.gamma();
        summary["focal_factors"] = {{"negative", options.loss.negative_factor()},
                                    {"positive", options.loss.positive_factor()}};
    }
    summary["l1"] = outcome.l1;
    summary["l2"] = outcome.l2;
    summary["solver"] = facts.solver.name;
    summary["iterations"] = outcome.last.iteration;
    summary["passes"] = outcome.last.passes;
    summary["hessians"] = outcome.hessians;
    summary["hessian_products"] = outcome.hessian_products;
    if (outcome.batches) {
        const BatchFacts& batches = *outcome.batches;
        summary["batches"] = {{"rows", options.solver.batches.batch_rows},
                              {"steps", batches.steps},
                              {"allreduces", batches.messages},
                              {"allreduce_seconds", batches.allreduce_seconds},
                              {"seconds_per_allreduce",
                               batches.messages > 0 ? batches.allreduce_seconds /
                                                          static_cast<double>(batches.messages)
                                                    : 0.0}};
    }
    summary["stop_reason"] = optim::name_of(outcome.reason);
    summary["is_separable"] = outcome.is_separable;
    summary["diagnosis"] = outcome.diagnosis;
    if (outcome.verification) {
        summary["verification"] = {{"objective", outcome.verification->objective},
                                   {"violation", outcome.verification->violation},
                                   {"objective_rounding", outcome.verification->objective_rounding},
                                   {"violation_rounding", outcome.verification->violation_rounding},
                                   {"is_consistent", outcome.verification->is_consistent}};
    }
    summary["gradient_norm"] = outcome.last.gradient_norm;
    summary["nonzeros"] = outcome.last.nonzeros;
    if (!outcome.has_soft_labels) {
        summary["rows_wrong"] = outcome.last.rows_wrong;
    }
    summary["rows"] = facts.training_rows;
    summary["features"] = facts.manifest.features;
    summary["feature_type"] = name_of(facts.manifest.type);
    summary["labels"] = facts.label_description;
    summary["class_weights"] = {{"negative", facts.class_weights.negative},
                                {"positive", facts.class_weights.positive}};
    if (facts.validation != nullptr) {
        summary["validation"] = json_of_validation(outcome, *facts.validation, options);
    }
    summary["ranks"] = facts.ranks;
    summary["threads"] = facts.execution.threads;
    summary["isa"] = model::name_of(facts.execution.isa);
    summary["model_sha256"] = outcome.model_sha256;
    summary["data_fingerprint"] = outcome.data_fingerprint;
    summary["seconds"] = json_of(outcome.seconds);
    summary["seconds_over_ranks"] = json_of_spreads(outcome.ranks);
    summary["seconds_of_ranks"] = json_of(outcome.ranks);
    summary["bytes_read"] = outcome.bytes_read;
    summary["rows_are"] = facts.memory.is_streamed() ? "streamed" : "resident";
    summary["streamed_bytes"] = facts.memory.global_streamed_bytes;
    summary["gradient_gbytes_per_second"] = outcome.gradient_gbytes_per_second;
    summary["version"] = options.version;
    // Labels come from files and may be no UTF-8.
    return summary.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace paralogit::train
