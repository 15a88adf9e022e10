#include "diagnosis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "../load/used_features.hpp"
#include "../objective/widened_rows.hpp"
#include "collinearity.hpp"
#include "end_curvature.hpp"
#include "held.hpp"
#include "learning_rate.hpp"
#include "paralogit/train/inference_report.hpp"
#include "separation_diagnosis.hpp"

namespace paralogit::train {

namespace {

using Texts = std::vector<std::string>;

/// Whether the objective rose, at the end or on the way, or was no longer a number.
bool has_steps_too_long(const RunEnd& run, const TrainOutcome& outcome) {
    constexpr double beyond_rounding = 1e-9;
    const SolverOptions& solver = run.options.solver;
    if (outcome.reason == optim::StopReason::diverged) {
        return is_stochastic(solver.name) ||
               (solver.name == "gd" && !solver.gradient_descent.backtracking);
    }
    // That of a stochastic solver goes up and down at any learning rate.
    return is_stochastic(solver.name)
               ? ends_above_its_start(outcome, run.options)
               : solver.name == "gd" && !solver.gradient_descent.backtracking &&
                     !(outcome.last.objective <= (1 + beyond_rounding) * run.lowest_objective);
}

/// What takes the part of the penalty where it shrinks the coefficients beside the steps.
struct Decay {
    double largest = 0;  ///< l2 of a coefficient, which decays by 1 - rate l2
    Vector in_hessian;   ///< [d] what the Hessian has of it nevertheless; empty for none
};

Decay decay_of(const RunEnd& run) {
    Decay decay;
    const Vector& scale = run.change.scale;
    if (run.options.solver.stochastic.decouples_decay) {
        decay.in_hessian = Vector::Zero(scale.size());
        for (Index j = 0; j < scale.size(); ++j) {
            const double l2 = run.penalties.penalty.l2_of(j);
            decay.largest = std::max(decay.largest, l2);
            decay.in_hessian[j] = scale[j] == 0 ? 0 : l2 / (scale[j] * scale[j]);
        }
    }
    return decay;
}

void add_learning_rate(const RunEnd& run, const TrainOutcome& outcome, Texts& texts) {
    if (!has_steps_too_long(run, outcome)) {
        return;
    }
    const SolverOptions& solver = run.options.solver;
    const double rate = solver.stochastic.learning_rate.rate;
    constexpr double for_noise = 0.1;
    const Decay decay = is_stochastic(solver.name) ? decay_of(run) : Decay{};
    if (solver.name == "adam" || solver.name == "adagrad") {
        if (for_noise < rate / 10 * decay.largest) {
            texts.push_back(fmt::format(
                "the steps are too long: the objective rose; decay by 1 - rate l2 alone needs a "
                "rate below {:.3g}: try --learning-rate {:.3g}",
                2 / decay.largest, for_noise / decay.largest));
            return;
        }
        texts.push_back(fmt::format(
            "the steps are too long: the objective rose; the steps of {} have no bound that "
            "curvature tells, so try a tenth of the rate: --learning-rate {:.3g}",
            solver.name, rate / 10));
        return;
    }
    // There may be no time for what takes as long as many passes.
    if (outcome.reason == optim::StopReason::signal ||
        outcome.reason == optim::StopReason::time_limit) {
        return;
    }
    const double curvature = largest_curvature(run.objective, run.change.scale.size(),
                                               run.options.loss, decay.in_hessian);
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
    const double safe = 1 / (curvature / (1 - solver.stochastic.momentum) + decay.largest);
    texts.push_back(fmt::format(
        "the steps are too long: the objective rose; the largest curvature of all rows is at most "
        "about {:.3g}{}, so even steps after all rows are safe only below --learning-rate {:.3g}, "
        "and batches, whose curvature varies, need a smaller one: try {:.3g}",
        curvature,
        decay.largest > 0 ? fmt::format(" and the largest decay {:.3g}", decay.largest) : "",
        2 * safe, for_noise * std::min(safe, rate)));
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
    const Index features = run.data.shard.features;
    Index free = run.options.has_intercept ? 1 : 0;
    for (Index j = 0; j < features; ++j) {
        free += is_penalised(run, j) ? 0 : 1;
    }
    if (free > run.data.training_rows()) {
        texts.push_back(few_rows_text(features, run.data.training_rows()));
        return;
    }
    const CollinearFeatures found =
        find_collinear(run.comm, run.data, end.of_unpenalised(), end.change());
    const Texts& equations = found.equations;
    constexpr std::size_t most_told = 5;
    for (std::size_t k = 0; k < std::min(equations.size(), most_told); ++k) {
        texts.push_back("collinear features: " + equations[k] +
                        "; their coefficients are not determined: leave one out, or give --l2");
    }
    if (equations.size() > most_told) {
        texts.push_back(
            fmt::format("{} more such equations between features", equations.size() - most_told));
    }
    if (found.has_all_texts_of_a_column) {
        texts.push_back(advice_on_texts());
    }
}

}  // namespace

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
    if (!is_looked_at || is_held_altogether(run)) {
        return diagnosis;
    }
    const EndCurvature end(run);
    if (run.inference == nullptr) {
        add_collinear_columns(run, end, texts);
    }
    add_separation(run, outcome, end, diagnosis);
    return diagnosis;
}

}  // namespace paralogit::train
