#include "separation_diagnosis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "../load/used_features.hpp"
#include "held.hpp"
#include "recession.hpp"

namespace paralogit::train {

namespace {

/// Whether the last step still changed margins by much, as it does on the way to infinity.
bool moves_on(const RunEnd& run) {
    constexpr double much = 0.01;
    if (run.previous.size() != run.parameters.size()) {
        return true;
    }
    double change = 0;
    for (Index j = 0; j < run.data.shard.features; ++j) {
        change += std::abs(run.parameters[j] - run.previous[j]) *
                  std::ldexp(1.0, run.data.bounds.value_exponents[static_cast<std::size_t>(j)]);
    }
    return !(change < much);
}

/// Of weights of features those that are largest.
std::string most_weighty_features(const DataSet& data, const Vector& weights) {
    std::vector<Index> order;
    for (Index j = 0; j < data.shard.features; ++j) {
        if (weights[j] > 0) {
            order.push_back(j);
        }
    }
    std::ranges::stable_sort(order, [&](Index a, Index b) { return weights[a] > weights[b]; });
    std::string text;
    constexpr std::size_t most_named = 3;
    for (std::size_t i = 0; i < std::min(order.size(), most_named); ++i) {
        text += (i == 0 ? "" : ", ") + name_of(data, order[i]);
    }
    return text;
}

/// Coefficients that nothing holds, times standard deviations.
Vector weights_of_free(const RunEnd& run) {
    const Index features = run.data.shard.features;
    const Vector& deviation = run.moments.standard_deviation;
    Vector weights(features);
    for (Index j = 0; j < features; ++j) {
        const double coefficient = run.parameters[j];
        weights[j] = run.penalties.let_grow(j, coefficient) ? std::abs(coefficient) : 0.0;
    }
    if (deviation.size() > 0) {
        weights = weights.cwiseProduct(deviation);
    }
    return weights;
}

std::string parameter_names(const RunEnd& run, const std::vector<Index>& parameters) {
    constexpr std::size_t most_named = 20;
    std::string text;
    for (std::size_t i = 0; i < std::min(parameters.size(), most_named); ++i) {
        const Index j = parameters[i];
        text += (i == 0 ? "" : ", ") + (j == run.data.shard.features ? std::string("the intercept")
                                                                     : name_of(run.data, j));
    }
    return parameters.size() > most_named
               ? text + fmt::format(" and {} more", parameters.size() - most_named)
               : text;
}

/// What becomes of what separation sends to infinity, and what to do.
std::string end_and_advice(const RunEnd& run, bool is_held_by_little) {
    if (is_held_by_little) {
        return "only a penalty next to nothing holds what they send to infinity, so that its size "
               "means little: give --l2 1e-3";
    }
    return has_penalty(run.penalties.penalty, run.data.shard.features)
               ? "what the penalty leaves out has no finite optimum: penalise it too"
               : "without a penalty there is no finite optimum: give --l2 1e-3";
}

void add_separator_texts(const RunEnd& run, const std::vector<Separator>& separators,
                         Diagnosis& diagnosis) {
    constexpr std::size_t most_named = 10;
    for (std::size_t i = 0; i < std::min(separators.size(), most_named); ++i) {
        const Separator& separator = separators[i];
        const bool is_held = is_penalised(run, separator.feature);
        diagnosis.texts.push_back(fmt::format(
            "{} alone tells the classes apart{}: positive rows have values {} {}{:.10g}; {}, or "
            "leave it out",
            name_of(run.data, separator.feature),
            separator.is_complete ? "" : " but for rows on the border (quasi-complete)",
            separator.is_positive_above ? "above" : "below", separator.is_complete ? "" : "or at ",
            separator.threshold,
            is_held ? "only a penalty next to nothing holds its coefficient: give --l2 1e-3"
            : has_penalty(run.penalties.penalty, run.data.shard.features)
                ? "its coefficient is not penalised and has no finite optimum: penalise it"
                : "without a penalty its coefficient has no finite optimum: give --l2 1e-3"));
    }
    if (separators.size() > most_named) {
        diagnosis.texts.push_back(fmt::format("{} more features tell the classes apart alone",
                                              separators.size() - most_named));
    }
}

/// What has an optimum has come to rest, and has curvature there in every direction that features
/// determine. On the way to infinity the last step leads on, and the rows that it tells apart have
/// hardly any curvature left: the parameters lie where the Hessian is all but singular.
std::vector<Vector> likely_directions(const RunEnd& run, const TrainOutcome& outcome,
                                      const EndCurvature& end) {
    std::vector<Vector> directions;
    if (outcome.last.rows_wrong == 0) {
        directions.push_back(run.parameters);
    }
    if (run.previous.size() == run.parameters.size() && moves_on(run)) {
        directions.emplace_back(run.parameters - run.previous);
    }
    for (const double flatness : {1e-9, EndCurvature::most_flat}) {
        Vector flat = end.flat_part(run.parameters, flatness);
        if (flat.size() > 0) {
            directions.push_back(std::move(flat));
        }
    }
    return directions;
}

/// Adds what rows that no known direction tells apart have: in turn single columns, and directions.
/// Returns whether there is more than the first columns.
bool find_more(const std::vector<Vector>& directions, bool has_separators, Recession& recession) {
    bool has_more = false;
    constexpr int most_rounds = 4;
    for (int round = 0; round < most_rounds; ++round) {
        bool has_news = false;
        for (const Vector& direction : directions) {
            has_news = recession.add_direction(direction) || has_news;
        }
        if (has_news || (round == 0 && has_separators)) {
            has_news = !recession.add_separators().empty() || has_news;
        }
        if (!has_news) {
            break;
        }
        has_more = true;
    }
    return has_more;
}

}  // namespace

void add_separation(const RunEnd& run, const TrainOutcome& outcome, const EndCurvature& end,
                    Diagnosis& diagnosis) {
    if (run.moments.is_of_one_class ||
        !(moves_on(run) || end.is_flat_somewhere() || outcome.last.rows_wrong == 0)) {
        return;
    }
    const optim::ChangeOfVariables change =
        end.change().scale.size() == run.data.shard.features
            ? end.change()
            : optim::ChangeOfVariables::identity(run.data.shard.features,
                                                 run.options.has_intercept);
    const std::vector<Held> held = held_coefficients(run, change.scale);
    Recession recession(run.comm, run.data, change, held);
    const std::vector<Separator> separators = recession.add_separators();
    add_separator_texts(run, separators, diagnosis);
    if (separators.empty() && outcome.is_separable) {
        diagnosis.texts.push_back(fmt::format(
            "complete separation: no feature alone tells the classes apart; together they do, "
            "above all {}; {}",
            most_weighty_features(run.data, weights_of_free(run)), end_and_advice(run, false)));
        return;
    }
    const bool has_all = std::ranges::any_of(separators, &Separator::is_complete);
    const bool is_small = is_small_enough_for_directions(run.data.shard.features);
    const bool has_more =
        is_small && !has_all &&
        find_more(likely_directions(run, outcome, end), !separators.empty(), recession);
    if (!has_more && separators.empty()) {
        return;
    }
    if (!is_small) {
        // Away from the threshold 0 the intercept goes along, to keep the margins there.
        for (const Separator& separator : separators) {
            diagnosis.unbounded.push_back(separator.feature);
        }
        if (run.options.has_intercept &&
            std::ranges::any_of(separators, [](const Separator& s) { return s.threshold != 0; })) {
            diagnosis.unbounded.push_back(run.data.shard.features);
        }
        return;
    }
    const Vector moves = recession.moves();
    bool has_free = false;
    bool has_weak = false;
    for (Index j = 0; j < moves.size(); ++j) {
        if (moves[j] > 0) {
            diagnosis.unbounded.push_back(j);
            if (j < run.data.shard.features) {
                (is_penalised(run, j) ? has_weak : has_free) = true;
            }
        }
    }
    diagnosis.is_held_by_little = has_weak && !has_free;
    if (has_more) {
        const Recession::Rows rows = recession.count_rows();
        diagnosis.texts.push_back(
            fmt::format("{} separation, to rounding: {} rows are told apart without doubt and "
                        "{} lie on the border, above all by {}; {}; concerned: {}",
                        rows.border == 0 ? "complete" : "quasi-complete", rows.apart, rows.border,
                        most_weighty_features(run.data, moves),
                        end_and_advice(run, diagnosis.is_held_by_little),
                        parameter_names(run, diagnosis.unbounded)));
    }
}

}  // namespace paralogit::train
