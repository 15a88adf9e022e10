#include "paralogit/train/rank_metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "../gather.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/model/math.hpp"

namespace paralogit::train {

namespace {

using model::BestThreshold;
using model::ClassWeightSums;

/// What the searches of all ranks found, by one of the rules.
BestThreshold best_of(const comm::Communicator& comm, const BestThreshold& own) {
    BestThreshold best;
    for (const BestThreshold& each : gather(comm, own)) {
        best.offer(each);
    }
    return best;
}

std::vector<model::CurvePoint> curve_of(const comm::Communicator& comm,
                                        const model::CurvePoints& own) {
    const bool has_room_for_all = comm.sum(own.groups()) <= most_curve_points;
    const auto lists = gather_lists<model::CurvePoint>(
        comm, has_room_for_all ? own.all_points() : own.grid_points());
    std::vector<model::CurvePoint> curve;
    std::for_each(lists.rbegin(), lists.rend(),
                  [&](const auto& list) { curve.insert(curve.end(), list.begin(), list.end()); });
    return curve;
}

std::vector<Gain> gains_of(const comm::Communicator& comm, const model::Gains& own,
                           double positives) {
    const auto parts = static_cast<double>(own.captured().size());
    std::vector<double> captured(own.captured().size(), 0.0);
    for (const auto& list : gather_lists<double>(comm, own.captured())) {
        // Each is on one rank, and 0 on the others.
        std::ranges::transform(captured, list, captured.begin(), std::plus<>());
    }
    std::vector<Gain> gains;
    for (std::size_t k = 0; k < captured.size(); ++k) {
        const double rows = static_cast<double>(k + 1) / parts;
        const double share = captured[k] / positives;
        gains.push_back({.rows = rows, .positives = share, .lift = share / rows});
    }
    return gains;
}

double threshold_of(const ThresholdRule& rule, const RankMetrics& metrics,
                    const BestThreshold& by_precision, double highest_precision) {
    const auto found = [](const BestThreshold& best, const std::string& rule_text,
                          const std::string& why_not) {
        if (!best.is_found()) {
            throw Error(ExitCode::input_data,
                        fmt::format("no threshold follows the rule '{}': {}; give a number instead",
                                    rule_text, why_not));
        }
        return best.probability;
    };
    switch (rule.kind) {
        case ThresholdRule::Kind::f1:
            return found(metrics.best_f1, "f1", "there is no row with the positive label");
        case ThresholdRule::Kind::youden:
            return found(metrics.best_youden, "youden", "all rows are of one class");
        case ThresholdRule::Kind::precision:
            return found(by_precision, fmt::format("precision={}", rule.value),
                         fmt::format("at no threshold the precision is as high, and the highest "
                                     "is {}",
                                     highest_precision));
        default:
            return rule.value;
    }
}

void scale(double& value, int exponent) {
    value = std::ldexp(value, exponent);
}

/// From the unit of the ranking to the unit of the row weights.
void scale_weights(RankMetrics& metrics, int exponent) {
    for (double* value : {&metrics.confusion.true_positives, &metrics.confusion.false_positives,
                          &metrics.confusion.true_negatives, &metrics.confusion.false_negatives,
                          &metrics.all.positives, &metrics.all.negatives}) {
        scale(*value, exponent);
    }
    for (auto* bins : {&metrics.equal_width, &metrics.equal_weight}) {
        for (model::CalibrationBin& bin : *bins) {
            scale(bin.weight, exponent);
        }
    }
    for (model::CurvePoint& point : metrics.curve) {
        scale(point.predicted.positives, exponent);
        scale(point.predicted.negatives, exponent);
    }
}

RankAreas values_of(const model::RankAreas& areas, const ClassWeightSums& all) {
    RankAreas values;
    if (all.positives > 0) {
        values.average_precision = areas.average_precision();
        if (all.negatives > 0) {
            values.roc_auc = areas.roc_auc();
        }
    }
    return values;
}

}  // namespace

RankAreas rank_areas(const comm::Communicator& comm, const RankedScores& scores) {
    model::RankAreas areas(scores.all());
    comm::together(comm, [&] {
        scores.for_each_group([&](const model::ScoreGroup& group) { areas.add(group); });
    });
    sum_over_ranks(comm, areas.totals());
    return values_of(areas, scores.all());
}

RankMetrics rank_metrics(const comm::Communicator& comm, const RankedScores& scores,
                         const ThresholdRule& rule) {
    const ClassWeightSums& all = scores.all();
    const double wanted_precision = rule.kind == ThresholdRule::Kind::precision ? rule.value : 1.0;
    model::RankAreas areas(all);
    model::ThresholdSearch search(all, wanted_precision);
    model::CurvePoints points(all, most_curve_points);
    model::Gains gains(all, gain_parts);
    comm::together(comm, [&] {
        scores.for_each_group([&](const model::ScoreGroup& group) {
            areas.add(group);
            search.add(group);
            points.add(group);
            gains.add(group);
        });
    });
    sum_over_ranks(comm, areas.totals());

    RankMetrics metrics;
    metrics.all = all;
    const bool has_positives = all.positives > 0;
    const bool has_both = has_positives && all.negatives > 0;
    const BestThreshold best_f1 = best_of(comm, search.f1);
    const BestThreshold best_youden = best_of(comm, search.youden);
    const BestThreshold by_precision = best_of(comm, search.precision);
    const std::vector<double> precisions = gather(comm, search.highest_precision);
    const std::vector<double> distances = gather(comm, search.distance);
    const RankAreas of_curves = values_of(areas, all);
    metrics.roc_auc = of_curves.roc_auc;
    metrics.average_precision = of_curves.average_precision;
    if (has_both) {
        metrics.kolmogorov_smirnov = *std::ranges::max_element(distances);
        metrics.best_youden = best_youden;
    }
    if (has_positives) {
        metrics.best_f1 = best_f1;
    }
    metrics.curve = curve_of(comm, points);
    metrics.distinct_scores = comm.sum(points.groups());
    metrics.gains = gains_of(comm, gains, all.positives);
    metrics.threshold = comm::together(comm, [&] {
        return threshold_of(rule, metrics, by_precision, *std::ranges::max_element(precisions));
    });

    model::ConfusionSums confusion(all, metrics.threshold);
    model::Calibration calibration(all, calibration_bins);
    comm::together(comm, [&] {
        scores.for_each_group([&](const model::ScoreGroup& group) {
            const double probability = model::sigmoid(group.score());
            confusion.add(group, probability);
            calibration.add(group, probability);
        });
    });
    std::vector<model::Int128*> totals = confusion.totals();
    const std::vector<model::Int128*> of_bins = calibration.totals();
    totals.insert(totals.end(), of_bins.begin(), of_bins.end());
    sum_over_ranks(comm, totals);
    metrics.confusion = confusion.value();
    metrics.equal_width = calibration.equal_width();
    metrics.equal_weight = calibration.equal_weight();
    metrics.expected_calibration_error = calibration.expected_error();
    scale_weights(metrics, scores.unit_exponent());
    return metrics;
}

}  // namespace paralogit::train
