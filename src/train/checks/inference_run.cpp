#include "inference_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "../load/used_features.hpp"
#include "collinearity.hpp"
#include "paralogit/train/memory.hpp"

namespace paralogit::train {

void check_inference_size(Index features, bool has_intercept) {
    const Index variables = features + (has_intercept ? 1 : 0);
    if (variables > most_inferred_parameters) {
        throw Error(
            ExitCode::usage,
            fmt::format("--inference: a model of {} parameters needs matrices of {} x {} "
                        "numbers, {} on every rank; at most {} parameters are taken",
                        variables, variables, variables, bytes_text(information_bytes(variables)),
                        most_inferred_parameters));
    }
}

InferenceRun::InferenceRun(const comm::Communicator& comm, const DataSet& data,
                           const Moments& moments, DistributedObjective& objective,
                           const Penalties& penalties)
    : comm_(comm),
      data_(data),
      objective_(objective),
      penalties_(penalties),
      standardised_(
          standardisation(moments, model::Penalty(0), objective.dimension() > data.shard.features)),
      change_(standardised_),
      weight_sum_(moments.weight_sum),
      data_fingerprint_(moments.fingerprint),
      has_vanished_(static_cast<std::size_t>(data.shard.features)),
      penalty_curvature_(data.shard.features) {
    for (Index j = 0; j < data.shard.features; ++j) {
        penalty_curvature_[j] = penalties.penalty.l2_of(j);
        // What is given is no variable.
        if (penalties.is_fixed(j)) {
            standardised_.scale[j] = 0;
            change_.scale[j] = 0;
        }
    }
}

void InferenceRun::begin_at(Vector parameters) {
    parameters_ = std::move(parameters);
    evaluation_ = evaluate(parameters_);
    collect();
}

optim::Evaluation InferenceRun::evaluate(const Vector& parameters) {
    ++evaluations_;
    return objective_.evaluate(parameters);
}

void InferenceRun::collect() {
    collect_here();
    if (centre_where_curvature_is()) {
        collect_here();
    }
    leave_out_what_has_vanished();
    input_.collinear = collinear_.value_or(Equations{});
    // What a penalty makes of a singular Hessian has lost most of its digits.
    constexpr double suspicious = 1e-6;
    const bool is_penalised = (penalty_curvature_.array() > 0).any();
    const auto directions = input_.hessian.rows() - std::ranges::count(change_.scale, 0.0);
    if (!collinear_ && (is_penalised ? model::InformationFactor(input_, suspicious)
                                     : model::InformationFactor(input_))
                               .rank() < directions) {
        find_equations();
        input_.collinear = *collinear_;
    }
    factor_.emplace(input_);
}

/// A singular Hessian may be so because columns depend on each other, or because rows have no
/// curvature left. At parameters that are 0 every row has the same curvature, so that the Hessian
/// tells of columns alone; and as that of most rows may hide a few, all rows are asked.
void InferenceRun::find_equations() {
    const Information even =
        collect_information(comm_, data_, Vector::Zero(parameters_.size()), standardised_);
    Equations candidates;
    std::vector<model::Alias> equations;
    // Rounding grows where rare values are eliminated first; what is suggested wrongly is refuted.
    constexpr double suspicious = 1e-10;
    const auto factor = model::AliasingCholesky::factor(even.hessian, suspicious);
    for (const model::Alias& alias : factor.aliases()) {
        if (alias.variable == data_.shard.features || standardised_.scale[alias.variable] != 0) {
            candidates.push_back(model::flat_direction(
                alias, standardised_.centre, standardised_.scale, standardised_.has_intercept));
            equations.push_back(candidates.back().equation);
        }
    }
    const std::vector<bool> hold = hold_in_every_row(comm_, data_, standardised_, equations);
    collinear_.emplace();
    for (std::size_t k = 0; k < hold.size(); ++k) {
        if (hold[k]) {
            collinear_->push_back(std::move(candidates[k]));
        }
    }
}

/// Where the rows that have curvature lie close together but far from the mean of all, as beside an
/// outlier that is told without doubt, a column is all but a multiple of the intercept: centred on
/// these rows it is not, and no digits are lost. Returns whether any centre moved.
bool InferenceRun::centre_where_curvature_is() {
    constexpr double close = 1e-4;
    const Index features = change_.scale.size();
    const Matrix& hessian = input_.hessian;
    if (!change_.has_intercept || !(hessian(features, features) > 0)) {
        return false;
    }
    bool has_moved = false;
    for (Index j = 0; j < features; ++j) {
        const double mean = hessian(j, features) / hessian(features, features);
        const double variance = hessian(j, j) / hessian(features, features) - mean * mean;
        if (change_.scale[j] != 0 && variance < close * mean * mean) {
            change_.centre[j] += change_.scale[j] * mean;
            has_moved = true;
        }
    }
    return has_moved;
}

/// What is left of a column's curvature may be the rounding of its centre.
void InferenceRun::leave_out_what_has_vanished() {
    constexpr double rounding = 1e-15;
    const Index features = change_.scale.size();
    const Matrix& hessian = input_.hessian;
    for (Index j = 0; j < features && change_.has_intercept; ++j) {
        const double noise = rounding * std::abs(change_.centre[j]) / change_.scale[j];
        if (change_.scale[j] != 0 && penalty_curvature_[j] == 0 &&
            !(hessian(j, j) > noise * noise * hessian(features, features))) {
            has_vanished_[static_cast<std::size_t>(j)] = true;
            change_.scale[j] = 0;
            input_.scale[j] = 0;
        }
    }
}

void InferenceRun::collect_here() {
    Information information = collect_information(comm_, data_, parameters_, change_);
    const double unit = information.weight_unit;
    input_ = {.parameters = parameters_,
              .hessian = std::move(information.hessian),
              .score_products = std::move(information.score_products),
              .penalty_curvature = penalty_curvature_ * (weight_sum_ / unit),
              .gradient = gradient_of(evaluation_) * (weight_sum_ / unit),
              .centre = change_.centre,
              .scale = change_.scale,
              .has_intercept = change_.has_intercept,
              .weight_unit = unit,
              .weight_sum = information.weight_sum,
              .loss_sum = information.loss_sum,
              .lowest_loss_sum = information.lowest_loss_sum,
              .positive_weight_sum = information.positive_weight_sum,
              .rows = information.rows};
}

Vector InferenceRun::gradient_of(const optim::Evaluation& evaluation) const {
    return change_.to_point_gradient(evaluation.gradient);
}

bool InferenceRun::is_within_bounds(const Vector& parameters) const {
    for (Index j = 0; j < penalties_.lower.size(); ++j) {
        if (parameters[j] < penalties_.lower[j] || parameters[j] > penalties_.upper[j]) {
            return false;
        }
    }
    return true;
}

void InferenceRun::polish() {
    constexpr int most_steps = 5;
    constexpr double worthwhile = 0.25;
    const double to_sums = weight_sum_ / input_.weight_unit;
    // What a Newton step gains, in units of the summed objective: g' H^-1 g / 2.
    const auto step_and_gain = [&](const optim::Evaluation& evaluation) {
        const Vector gradient = gradient_of(evaluation) * to_sums;
        Vector step = factor_->solve(gradient);
        double gain = 0;
        for (Index j = 0; j < step.size(); ++j) {
            gain += step[j] * gradient[j];
        }
        return std::pair(std::move(step), gain);
    };
    bool has_moved = false;
    auto [step, gain] = step_and_gain(evaluation_);
    for (int i = 0; i < most_steps && gain > 0; ++i) {
        const Vector next = parameters_ - change_.to_parameter_direction(step);
        if (!is_within_bounds(next)) {
            break;
        }
        optim::Evaluation there = evaluate(next);
        auto [next_step, next_gain] = step_and_gain(there);
        if (!(next_gain < worthwhile * gain)) {
            break;
        }
        parameters_ = next;
        evaluation_ = std::move(there);
        step = std::move(next_step);
        gain = next_gain;
        has_moved = true;
    }
    if (has_moved) {
        collect();
    }
}

InferenceReport InferenceRun::named() const {
    InferenceReport report;
    report.names = data_.manifest.feature_names;
    report.all_features = data_.manifest.features;
    for (Index j = 0; j < data_.shard.features; ++j) {
        report.features.push_back(number_in_files(data_, j));
    }
    return report;
}

InferenceReport InferenceRun::report(double confidence) const {
    model::InferenceInput input = input_;
    input.confidence = confidence;
    InferenceReport report = named();
    report.statistics = model::infer(input, *factor_);
    report.l2 = penalties_.penalty.l2();
    report.has_class_weights =
        data_.class_weights.negative != 1 || data_.class_weights.positive != 1;
    report.data_fingerprint = data_fingerprint_;

    const auto& parameters = report.statistics.parameters;
    for (const model::ParameterStatistics& parameter : parameters) {
        report.remarks.emplace_back(std::isnan(parameter.by_hessian.standard_error) ? "rounding"
                                                                                    : "");
    }
    for (Index j = 0; j < data_.shard.features; ++j) {
        const auto at = static_cast<std::size_t>(j);
        if (penalties_.is_fixed(j)) {
            report.remarks[at] = "fixed by its bounds";
        } else if (has_vanished_[at]) {
            report.remarks[at] = "vanished curvature";
            report.vanished.push_back(report.name_of(report.features[at]));
        } else if (change_.scale[j] == 0) {
            report.remarks[at] = "constant";
        }
    }
    const auto remark = [&](const model::FlatDirection& flat, const char* text) {
        for (const Index j : flat.parameters) {
            report.remarks[static_cast<std::size_t>(j)] = text;
        }
    };
    for (const model::FlatDirection& flat : report.statistics.collinear) {
        report.collinear.push_back(alias_text(report, flat.equation));
        report.has_all_texts_of_a_column =
            report.has_all_texts_of_a_column || (data_.manifest.files.front().is_converted &&
                                                 adds_up_texts_of_a_column(report, flat.equation));
        remark(flat, "collinear");
    }
    for (const model::FlatDirection& flat : report.statistics.vanished) {
        report.vanished.push_back(
            report.name_of(report.features[static_cast<std::size_t>(flat.foremost)]));
        remark(flat, "vanished curvature");
    }
    return report;
}

}  // namespace paralogit::train
