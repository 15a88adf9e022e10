#include "diagnosis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

#include "../load/used_features.hpp"
#include "../objective/widened_rows.hpp"
#include "collinearity.hpp"
#include "end_curvature.hpp"
#include "learning_rate.hpp"
#include "separation.hpp"

namespace paralogit::train {

namespace {

using Texts = std::vector<std::string>;

/// Whether the objective rose, or was no longer a number.
bool has_steps_too_long(const RunEnd& run, const TrainOutcome& outcome) {
    constexpr double beyond_rounding = 1e-9;
    const SolverOptions& solver = run.options.solver;
    if (outcome.reason == optim::StopReason::diverged) {
        return is_stochastic(solver.name) ||
               (solver.name == "gd" && !solver.gradient_descent.backtracking);
    }
    // The objective of a stochastic solver goes up and down at any learning rate.
    return solver.name == "gd" && !solver.gradient_descent.backtracking &&
           !(outcome.last.objective <= (1 + beyond_rounding) * run.lowest_objective);
}

void add_learning_rate(const RunEnd& run, const TrainOutcome& outcome, Texts& texts) {
    if (!has_steps_too_long(run, outcome)) {
        return;
    }
    const SolverOptions& solver = run.options.solver;
    const double rate = solver.stochastic.learning_rate.rate;
    if (solver.name == "adam" || solver.name == "adagrad") {
        texts.push_back(fmt::format(
            "the steps are too long: the objective rose; the steps of {} have no bound that "
            "curvature tells, so try a tenth of the rate: --learning-rate {:.3g}",
            solver.name, rate / 10));
        return;
    }
    const double curvature =
        largest_curvature(run.objective, run.change.scale.size(), run.options.loss);
    if (!(curvature > 0) || !std::isfinite(curvature)) {
        return;
    }
    if (solver.name == "gd") {
        texts.push_back(fmt::format(
            "the steps are too long: the objective rose; the largest curvature is at most about "
            "{:.3g}, so steps converge below --learning-rate {:.3g}, and {:.3g} is a good one",
            curvature, 2 / curvature, 1 / curvature));
        return;
    }
    // With momentum m the steps add up to 1 / (1 - m) times the rate.
    const double safe = (1 - solver.stochastic.momentum) / curvature;
    constexpr double for_noise = 0.1;
    texts.push_back(fmt::format(
        "the steps are too long: the objective rose; the largest curvature of all rows is at most "
        "about {:.3g}, so even steps after all rows are safe only below --learning-rate {:.3g}, "
        "and batches, whose curvature varies, need a smaller one: try {:.3g}",
        curvature, 2 * safe, for_noise * std::min(safe, rate)));
}

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

/// Those whose coefficients times standard deviations are largest.
std::string most_weighty_features(const RunEnd& run, const Vector& coefficients) {
    std::vector<Index> order(static_cast<std::size_t>(run.data.shard.features));
    std::iota(order.begin(), order.end(), Index{0});
    const auto weight = [&](Index j) {
        const Vector& deviation = run.moments.standard_deviation;
        return std::abs(coefficients[j]) * (deviation.size() > 0 ? deviation[j] : 1.0);
    };
    std::ranges::stable_sort(order, [&](Index a, Index b) { return weight(a) > weight(b); });
    std::string text;
    constexpr std::size_t most_named = 3;
    for (std::size_t i = 0; i < std::min(order.size(), most_named); ++i) {
        text += (i == 0 ? "" : ", ") + name_of(run.data, order[i]);
    }
    return text;
}

/// Whether the direction tells rows apart, and none wrongly.
bool add_quasi_separation(const RunEnd& run, const Vector& towards, Diagnosis& diagnosis) {
    const Vector direction = without_rounding(run.data, towards);
    const Apart apart = tell_apart(run.comm, run.data, direction);
    if (apart.is_certificate()) {
        for (Index j = 0; j < direction.size(); ++j) {
            if (direction[j] != 0) {
                diagnosis.unbounded.push_back(j);
            }
        }
        diagnosis.texts.push_back(fmt::format(
            "quasi-complete separation, to rounding: {} rows are told apart without doubt and "
            "{} lie on the border, above all by {}; without a penalty there is no finite "
            "optimum: give --l2 1e-3",
            apart.rows, apart.border, most_weighty_features(run, direction)));
    }
    return apart.is_certificate();
}

/// What has an optimum has come to rest, and has curvature there in every direction that features
/// determine. On the way to infinity the last step leads on, and the rows that it tells apart have
/// hardly any curvature left: the parameters lie where the Hessian is all but singular.
void add_quasi_separation(const RunEnd& run, const EndCurvature& end, Diagnosis& diagnosis) {
    const bool has_step = run.previous.size() == run.parameters.size();
    if (has_step && moves_on(run) &&
        add_quasi_separation(run, run.parameters - run.previous, diagnosis)) {
        return;
    }
    for (const double flatness : {1e-9, EndCurvature::most_flat}) {
        const Vector flat = end.flat_part(run.parameters, flatness);
        if (flat.size() > 0 && add_quasi_separation(run, flat, diagnosis)) {
            return;
        }
    }
}

void add_separation(const RunEnd& run, const TrainOutcome& outcome, const EndCurvature& end,
                    Diagnosis& diagnosis) {
    const std::vector<Separator> separators = find_separators(run.comm, run.data);
    constexpr std::size_t most_named = 10;
    for (std::size_t i = 0; i < std::min(separators.size(), most_named); ++i) {
        const Separator& separator = separators[i];
        diagnosis.texts.push_back(fmt::format(
            "{} alone tells the classes apart{}: positive rows have values {} {}{:.10g}; without a "
            "penalty its coefficient has no finite optimum: give --l2 1e-3, or leave it out",
            name_of(run.data, separator.feature),
            separator.is_complete ? "" : " but for rows on the border (quasi-complete)",
            separator.is_positive_above ? "above" : "below", separator.is_complete ? "" : "or at ",
            separator.threshold));
    }
    // Away from the threshold 0 the intercept goes along, to keep the margins there.
    bool moves_intercept = false;
    for (const Separator& separator : separators) {
        diagnosis.unbounded.push_back(separator.feature);
        moves_intercept = moves_intercept || separator.threshold != 0;
    }
    if (moves_intercept && run.options.has_intercept) {
        diagnosis.unbounded.push_back(run.data.shard.features);
    }
    if (separators.empty() && outcome.is_separable) {
        diagnosis.texts.push_back(
            "no feature alone tells the classes apart; together they do, above all " +
            most_weighty_features(run, run.parameters));
        return;
    }
    if (!separators.empty()) {
        return;
    }
    add_quasi_separation(run, end, diagnosis);
}

/// Moments of sparse rows may be gone by now; the change of variables has what is needed.
bool is_constant(const RunEnd& run, Index feature) {
    const Vector& deviation = run.moments.standard_deviation;
    return deviation.size() > 0 ? deviation[feature] == 0 : run.change.scale[feature] == 0;
}

/// Whether the values of a column are integers that double arithmetic may round to one.
bool are_values_rounded(const RunEnd& run, Index feature) {
    const ElementType type = run.data.manifest.type;
    const bool has_wide_integers = type == ElementType::int64 || type == ElementType::uint64;
    // A bound of |x|, as a power of 2.
    return has_wide_integers && run.data.bounds.value_exponents[static_cast<std::size_t>(feature)] >
                                    std::numeric_limits<double>::digits;
}

void add_constant_columns(const RunEnd& run, Texts& texts) {
    if (!run.options.has_intercept) {
        return;
    }
    if (run.data.sparse && run.data.manifest.entries_before_block.back() == 0) {
        texts.push_back(
            fmt::format("constant: all {} columns, of which no row has an entry; the "
                        "intercept plays their part",
                        run.data.manifest.features));
        return;
    }
    constexpr Index most_named = 5;
    Index count = 0;
    bool may_be_rounded = false;
    std::string names;
    for (Index j = 0; j < run.data.shard.features; ++j) {
        if (is_constant(run, j)) {
            if (count < most_named) {
                names += (count == 0 ? "" : ", ") + name_of(run.data, j);
            }
            ++count;
            may_be_rounded = may_be_rounded || are_values_rounded(run, j);
        }
    }
    if (count > 0) {
        texts.push_back(fmt::format(
            "constant: {}{}{}; the intercept plays their part", names,
            count > most_named ? fmt::format(" and {} more", count - most_named) : "",
            may_be_rounded ? ", as far as a double tells integers of that size apart: subtract a "
                             "constant if the values differ"
                           : ""));
    }
}

void add_collinear_columns(const RunEnd& run, const EndCurvature& end, Texts& texts) {
    for (const std::string& equation :
         find_collinear(run.comm, run.data, end.hessian(), end.change())) {
        texts.push_back("collinear features: " + equation +
                        "; their coefficients are not determined: leave one out, or give --l2");
    }
}

}  // namespace

bool has_penalty(const model::Penalty& penalty) {
    return penalty.l1() > 0 || penalty.l2() > 0;
}

Diagnosis diagnose(const RunEnd& run, const TrainOutcome& outcome) {
    Diagnosis diagnosis;
    Texts& texts = diagnosis.texts;
    if (outcome.has_one_class) {
        texts.emplace_back(
            "all rows are of one class: only the intercept is needed to tell them, and no penalty "
            "holds it; its size is arbitrary");
    }
    add_learning_rate(run, outcome, texts);
    // What comes next may take as long as many passes, for which there is no time.
    const bool has_time = outcome.reason != optim::StopReason::time_limit;
    const bool is_looked_at =
        has_time && is_small_enough_to_visit(run.data) && has_model(outcome.reason);
    if (is_looked_at) {
        add_constant_columns(run, texts);
    }
    if (run.inference != nullptr) {
        std::ranges::copy(run.inference->findings(), std::back_inserter(texts));
    }
    if (!is_looked_at || has_penalty(run.penalty)) {
        return diagnosis;
    }
    const EndCurvature end(run);
    if (run.inference == nullptr) {
        add_collinear_columns(run, end, texts);
    }
    if (!run.moments.has_one_class() && (moves_on(run) || end.is_flat_somewhere())) {
        add_separation(run, outcome, end, diagnosis);
    }
    return diagnosis;
}

}  // namespace paralogit::train
