#include "inference_run.hpp"

#include <fmt/format.h>

#include <utility>

#include "../load/used_features.hpp"
#include "paralogit/train/memory.hpp"

namespace paralogit::train {

void check_inference_size(Index features, bool has_intercept) {
    // A factorisation of that size takes minutes on one core.
    constexpr Index most_variables = 10'000;
    const Index variables = features + (has_intercept ? 1 : 0);
    if (variables > most_variables) {
        throw Error(ExitCode::usage,
                    fmt::format("--inference: a model of {} parameters needs matrices of {} x {} "
                                "numbers, {} on every rank; at most {} parameters are taken",
                                variables, variables, variables,
                                bytes_text(information_bytes(variables)), most_variables));
    }
}

InferenceRun::InferenceRun(const comm::Communicator& comm, const DataSet& data,
                           const Moments& moments, DistributedObjective& objective,
                           const model::Penalty& penalty)
    : comm_(comm),
      data_(data),
      objective_(objective),
      change_(
          standardisation(moments, model::Penalty(0), objective.dimension() > data.shard.features)),
      l2_(penalty.l2()),
      weight_sum_(moments.weight_sum),
      data_fingerprint_(moments.fingerprint),
      penalty_curvature_(data.shard.features) {
    for (Index j = 0; j < data.shard.features; ++j) {
        penalty_curvature_[j] = penalty.l2_of(j);
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
    factor_ = model::factor_information(input_);
}

Vector InferenceRun::gradient_of(const optim::Evaluation& evaluation) const {
    return change_.to_point_gradient(evaluation.gradient);
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

InferenceReport InferenceRun::report(double confidence) const {
    model::InferenceInput input = input_;
    input.confidence = confidence;
    InferenceReport report{
        .statistics = model::infer(input, *factor_),
        .features = {},
        .names = data_.manifest.feature_names,
        .all_features = data_.manifest.features,
        .l2 = l2_,
        .has_class_weights = data_.class_weights.negative != 1 || data_.class_weights.positive != 1,
        .stop_reason = {},
        .model_sha256 = {},
        .data_fingerprint = data_fingerprint_,
        .version = {}};
    for (Index j = 0; j < data_.shard.features; ++j) {
        report.features.push_back(number_in_files(data_, j));
    }
    return report;
}

}  // namespace paralogit::train
