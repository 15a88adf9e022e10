#include "verification.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "../load/used_features.hpp"
#include "../objective/loss_bound.hpp"
#include "../objective/widened_rows.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/model/exact_sum.hpp"

namespace paralogit::train {

namespace {

using Real = long double;

struct PlainTerms {
    Real loss;
    Real slope;
};

PlainTerms cross_entropy(Real label, Real margin) {
    return {.loss = std::max(margin, Real{0}) - label * margin +
                    std::log1p(std::exp(-std::abs(margin))),
            .slope = 1 / (1 + std::exp(-margin)) - label};
}

/// The focal loss of label 1: the loss of BCE times a power of its slope.
PlainTerms focal_of_positive(Real gamma, Real margin) {
    const auto [minus_log_p, minus_q] = cross_entropy(1, margin);
    const Real q = 1 / (1 + std::exp(margin));
    const Real power = std::pow(q, gamma);
    return {.loss = power * minus_log_p,
            .slope = power * (minus_q - gamma * (1 - q) * minus_log_p)};
}

PlainTerms plain_terms(const model::Loss& loss, Real label, Real margin) {
    if (!loss.is_focal()) {
        return cross_entropy(label, margin);
    }
    const PlainTerms yes = focal_of_positive(loss.gamma(), margin);
    const PlainTerms no = focal_of_positive(loss.gamma(), -margin);
    const Real part = loss.positive_factor() * label;
    const Real rest = loss.negative_factor() * (1 - label);
    return {.loss = part * yes.loss + rest * no.loss, .slope = part * yes.slope - rest * no.slope};
}

/// What a sum of so many products in double may be off by, in parts of the sum of their sizes: as
/// much as errors that are independent of each other add up to, and a few times that.
Real rounding_of_terms(std::size_t terms) {
    constexpr Real unit = std::numeric_limits<double>::epsilon() / 2;
    return (4 + std::sqrt(static_cast<Real>(terms))) * unit;
}

/// By how much loss and slope of a row change where its margin is off by so much.
PlainTerms largest_change(const model::Loss& loss, Real label, Real margin, Real off,
                          const PlainTerms& there) {
    const PlainTerms above = plain_terms(loss, label, margin + off);
    const PlainTerms below = plain_terms(loss, label, margin - off);
    return {.loss = std::max(std::abs(above.loss - there.loss), std::abs(below.loss - there.loss)),
            .slope =
                std::max(std::abs(above.slope - there.slope), std::abs(below.slope - there.slope))};
}

}  // namespace

void check_verification_size(const DataSet& data) {
    if (!is_small_enough_to_visit(data)) {
        throw Error(ExitCode::usage,
                    fmt::format("--verify: sparse rows of {} features are too many to check one by "
                                "one; leave --verify out",
                                data.shard.features));
    }
}

PlainEvaluation evaluate_plainly(const comm::Communicator& comm, const DataSet& data,
                                 const Vector& parameters, const optim::ChangeOfVariables& change,
                                 const model::Loss& loss) {
    const auto features = static_cast<std::size_t>(data.shard.features);
    const auto dimension = static_cast<std::size_t>(parameters.size());
    const bool has_intercept = dimension > features;
    // The gradient, the loss, the weights, then the rounding of the loss and of the gradient.
    const std::size_t rounding_at = dimension + 2;
    std::vector<Real> sums(rounding_at + 1 + dimension);
    const Real margin_rounding = rounding_of_terms(features);
    comm::together(comm, [&] {
        check_verification_size(data);
        std::vector<std::vector<Real>> parts(static_cast<std::size_t>(data.execution.threads),
                                             std::vector<Real>(sums.size()));
        visit_rows(data, [&](int thread, std::span<const double> row, double label, double weight) {
            std::vector<Real>& part = parts[static_cast<std::size_t>(thread)];
            Real margin = has_intercept ? parameters[data.shard.features] : 0.0;
            Real magnitude = std::abs(margin);
            for (std::size_t j = 0; j < features; ++j) {
                const Real term = Real{row[j]} * parameters[static_cast<Index>(j)];
                margin += term;
                magnitude += std::abs(term);
            }
            const PlainTerms terms = plain_terms(loss, label, margin);
            const PlainTerms off =
                largest_change(loss, label, margin, margin_rounding * magnitude, terms);
            part[rounding_at] += weight * off.loss;
            for (std::size_t j = 0; j < features; ++j) {
                const auto at = static_cast<Index>(j);
                if (change.scale[at] > 0) {
                    part[rounding_at + 1 + j] += weight * off.slope *
                                                 std::abs(row[j] - Real{change.centre[at]}) /
                                                 change.scale[at];
                }
            }
            if (has_intercept) {
                part[rounding_at + 1 + features] += weight * off.slope;
            }
            const Real slope = weight * terms.slope;
            for (std::size_t j = 0; j < features; ++j) {
                part[j] += slope * row[j];
            }
            if (has_intercept) {
                part[features] += slope;
            }
            part[dimension] += weight * terms.loss;
            part[dimension + 1] += weight;
        });
        for (const std::vector<Real>& part : parts) {
            for (std::size_t j = 0; j < sums.size(); ++j) {
                sums[j] += part[j];
            }
        }
    });
    // A long double travels as two doubles.
    std::vector<double> message;
    for (const Real sum : sums) {
        const auto high = static_cast<double>(sum);
        message.push_back(high);
        message.push_back(static_cast<double>(sum - high));
    }
    comm.sum(std::span<double>(message));
    const auto value = [&](std::size_t j) { return Real{message[2 * j]} + message[2 * j + 1]; };
    const Real weight_sum = value(dimension + 1);
    PlainEvaluation evaluation{
        .loss = static_cast<double>(value(dimension) / weight_sum),
        .gradient = Vector(parameters.size()),
        .weight_sum = static_cast<double>(weight_sum),
        .loss_rounding = static_cast<double>(value(rounding_at) / weight_sum),
        .gradient_rounding = Vector(parameters.size())};
    for (std::size_t j = 0; j < dimension; ++j) {
        const auto at = static_cast<Index>(j);
        evaluation.gradient[at] = static_cast<double>(value(j) / weight_sum);
        evaluation.gradient_rounding[at] =
            static_cast<double>(value(rounding_at + 1 + j) / weight_sum);
    }
    return evaluation;
}

namespace {

/// What the exact sums may leave of a mean loss, however small it is: half a unit of each block's
/// last digit.
double resolution_of_loss(const VerifiedRun& run, const Vector& parameters, double weight_sum) {
    const Index features = run.data.shard.features;
    const Index blocks = std::max<Index>(run.data.plan.blocks(), 1);
    const std::int32_t exponent =
        loss_exponent({parameters.data(), static_cast<std::size_t>(features)},
                      run.change.has_intercept ? parameters[features] : 0.0, run.data.bounds);
    return static_cast<double>(blocks) / weight_sum *
           std::ldexp(0.5, exponent - 2 * model::exact_sum_width(blocks));
}

}  // namespace

Verification verify(const VerifiedRun& run, const std::filesystem::path& model_file,
                    const IterationFacts& end) {
    const Index features = run.data.shard.features;
    Vector written(run.data.manifest.features + 1);
    comm::on_root(run.comm, [&] {
        const Model model = read_model(model_file);
        written << model.coefficients, model.intercept;
    });
    run.comm.broadcast(std::span<double>(written.data(), static_cast<std::size_t>(written.size())));
    Vector parameters(features + (run.change.has_intercept ? 1 : 0));
    parameters.head(features) = of_kept_features(run.data, written.head(written.size() - 1));
    if (run.change.has_intercept) {
        parameters[features] = written[written.size() - 1];
    }
    PlainEvaluation plain = evaluate_plainly(run.comm, run.data, parameters, run.change, run.loss);
    run.penalty.add_gradient(parameters.head(features), plain.gradient.head(features));
    const optim::State at_end{.point = run.change.to_point(parameters),
                              .at_point = {.value = plain.loss,
                                           .gradient = run.change.to_point_gradient(plain.gradient),
                                           .rows_wrong = 0},
                              .memory = {}};
    Verification verification{
        .objective = plain.loss + run.penalty.value(parameters.head(features)),
        .violation = optim::optimality_violation(at_end, run.separable),
        .objective_rounding = plain.loss_rounding};
    // What the sums of double arithmetic may be off by, in the solver's variables.
    double rounding = 1e-13;
    for (Index j = 0; j < features; ++j) {
        if (run.change.scale[j] > 0) {
            // What is taken from the sums by moving the centre is larger than what it leaves.
            constexpr double of_centre = 2e-15;
            rounding = std::max(rounding,
                                of_centre * std::abs(run.change.centre[j]) / run.change.scale[j]);
        }
    }
    verification.violation_rounding = rounding + plain.gradient_rounding.maxCoeff();
    verification.objective_rounding += resolution_of_loss(run, parameters, plain.weight_sum);
    verification.is_consistent = are_consistent(verification, end);
    return verification;
}

bool are_consistent(const Verification& verification, const IterationFacts& end) {
    const double allowed = 1.01 * end.gradient_norm + verification.violation_rounding;
    const double allowed_of_objective =
        1e-10 * std::abs(end.objective) + verification.objective_rounding;
    return verification.violation <= allowed &&
           std::abs(verification.objective - end.objective) <= allowed_of_objective;
}

void require_consistent(const Verification& verification, const IterationFacts& end) {
    if (!verification.is_consistent) {
        throw comm::AgreedError(Error(
            ExitCode::internal,
            fmt::format("internal error: --verify: the written model has the objective {} and "
                        "violates the conditions of an optimum by {:.2e}, but the run ended with "
                        "{} and {:.2e}; rounding explains {:.1e} and {:.1e} of the differences",
                        verification.objective, verification.violation, end.objective,
                        end.gradient_norm, verification.objective_rounding,
                        verification.violation_rounding)));
    }
}

}  // namespace paralogit::train
