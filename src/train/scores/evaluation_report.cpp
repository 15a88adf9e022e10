#include "paralogit/train/evaluation_report.hpp"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>

#include "paralogit/model/math.hpp"

namespace paralogit::train {

namespace {

using nlohmann::json;

/// A line of a table. The sign of a NaN is left out: it means nothing.
void add_line(fmt::memory_buffer& lines, std::initializer_list<double> numbers) {
    std::string_view separator;
    for (const double number : numbers) {
        fmt::format_to(std::back_inserter(lines), "{}{}", separator,
                       std::isnan(number) ? std::abs(number) : number);
        separator = ",";
    }
    lines.push_back('\n');
}

fmt::memory_buffer begin_table(std::string_view names) {
    fmt::memory_buffer lines;
    fmt::format_to(std::back_inserter(lines), "{}\n", names);
    return lines;
}

std::string roc_table(const RankMetrics& ranking) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    auto lines = begin_table("probability,margin,false_positive_rate,true_positive_rate");
    // A curve begins where nothing is predicted positive.
    const auto add_point = [&](double probability, double margin,
                               const model::ClassWeightSums& predicted) {
        add_line(lines, {probability, margin, predicted.negatives / ranking.all.negatives,
                         predicted.positives / ranking.all.positives});
    };
    add_point(infinity, infinity, {});
    for (const model::CurvePoint& point : ranking.curve) {
        const double margin = model::score_of_key(point.key);
        add_point(model::sigmoid(margin), margin, point.predicted);
    }
    return fmt::to_string(lines);
}

std::string precision_recall_table(const RankMetrics& ranking) {
    auto lines = begin_table("probability,margin,recall,precision");
    for (const model::CurvePoint& point : ranking.curve) {
        const double margin = model::score_of_key(point.key);
        add_line(lines,
                 {model::sigmoid(margin), margin, point.predicted.positives / ranking.all.positives,
                  point.predicted.positives / point.predicted.both()});
    }
    return fmt::to_string(lines);
}

void add_bins(fmt::memory_buffer& lines, std::string_view kind,
              std::span<const model::CalibrationBin> bins) {
    int number = 0;
    for (const model::CalibrationBin& bin : bins) {
        fmt::format_to(std::back_inserter(lines), "{},{},", kind, ++number);
        add_line(lines, {bin.weight, bin.mean_probability, bin.positive_rate});
    }
}

std::string calibration_table(const RankMetrics& ranking) {
    auto lines = begin_table("bins,bin,weight,mean_probability,positive_rate");
    add_bins(lines, "equal_width", ranking.equal_width);
    add_bins(lines, "equal_weight", ranking.equal_weight);
    return fmt::to_string(lines);
}

std::string lift_table(const RankMetrics& ranking) {
    auto lines = begin_table("share_of_rows,share_of_positives,lift");
    for (const Gain& gain : ranking.gains) {
        add_line(lines, {gain.rows, gain.positives, gain.lift});
    }
    return fmt::to_string(lines);
}

json json_of(std::span<const model::CalibrationBin> bins) {
    json list = json::array();
    for (const model::CalibrationBin& bin : bins) {
        list.push_back({{"weight", bin.weight},
                        {"mean_probability", bin.mean_probability},
                        {"positive_rate", bin.positive_rate}});
    }
    return list;
}

json json_of(const model::BestThreshold& best, const std::string& name) {
    if (!best.is_found()) {
        return nullptr;
    }
    return {{"threshold", best.probability}, {name, best.value}};
}

json json_of(std::span<const Gain> gains) {
    json list = json::array();
    for (const Gain& gain : gains) {
        list.push_back({{"share_of_rows", gain.rows},
                        {"share_of_positives", gain.positives},
                        {"lift", gain.lift}});
    }
    return list;
}

}  // namespace

std::string text_of(const ThresholdRule& rule) {
    switch (rule.kind) {
        case ThresholdRule::Kind::f1:
            return "f1";
        case ThresholdRule::Kind::youden:
            return "youden";
        case ThresholdRule::Kind::precision:
            return fmt::format("precision={}", rule.value);
        default:
            return "value";
    }
}

std::string metrics_json(const Scores& scores, const ThresholdRule& rule) {
    const RankMetrics& ranking = scores.ranking;
    const model::Confusion& confusion = ranking.confusion;
    // NaN, a ratio without a denominator, becomes null.
    json metrics;
    metrics["rows"] = scores.rows;
    metrics["soft_rows"] = scores.soft_rows;
    metrics["weight_sum"] = scores.weight_sum;
    metrics["log_loss"] = scores.log_loss;
    metrics["brier_score"] = scores.brier_score;
    metrics["roc_auc"] = ranking.roc_auc;
    metrics["average_precision"] = ranking.average_precision;
    metrics["kolmogorov_smirnov"] = ranking.kolmogorov_smirnov;
    metrics["distinct_scores"] = ranking.distinct_scores;
    metrics["best_f1"] = json_of(ranking.best_f1, "f1");
    metrics["best_youden"] = json_of(ranking.best_youden, "youden");
    metrics["threshold"] = ranking.threshold;
    metrics["threshold_rule"] = text_of(rule);
    metrics["accuracy"] = model::accuracy(confusion);
    metrics["balanced_accuracy"] = model::balanced_accuracy(confusion);
    metrics["precision"] = model::precision(confusion);
    metrics["recall"] = model::recall(confusion);
    metrics["specificity"] = model::specificity(confusion);
    metrics["f1"] = model::f1(confusion);
    metrics["matthews_correlation"] = model::matthews_correlation(confusion);
    metrics["confusion"] = {{"true_positives", confusion.true_positives},
                            {"false_positives", confusion.false_positives},
                            {"true_negatives", confusion.true_negatives},
                            {"false_negatives", confusion.false_negatives}};
    metrics["expected_calibration_error"] = ranking.expected_calibration_error;
    metrics["calibration"] = {{"equal_width", json_of(ranking.equal_width)},
                              {"equal_weight", json_of(ranking.equal_weight)}};
    metrics["lift"] = json_of(ranking.gains);
    return metrics.dump(2);
}

std::vector<TextFile> curve_files(const Scores& scores) {
    const RankMetrics& ranking = scores.ranking;
    return {{"roc.csv", roc_table(ranking)},
            {"precision_recall.csv", precision_recall_table(ranking)},
            {"calibration.csv", calibration_table(ranking)},
            {"lift.csv", lift_table(ranking)}};
}

}  // namespace paralogit::train
