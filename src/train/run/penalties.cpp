#include "paralogit/train/penalties.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "../checkpoint/stored_arrays.hpp"
#include "../load/used_features.hpp"
#include "feature_numbers.hpp"
#include "paralogit/base/digest.hpp"
#include "paralogit/base/error.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/train/resume.hpp"

namespace paralogit::train {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// One number for all features as that number; else what there is, and a digest that tells files
/// apart by their numbers, whatever their names.
std::string path_option_of(const Vector& numbers) {
    if ((numbers.array() == numbers[0]).all()) {
        return fmt::format("{}", numbers[0]);
    }
    constexpr std::size_t digits = 16;
    Sha256 digest;
    digest.add(span_of(numbers));
    return with_digest(
        fmt::format("a number per feature, {} to {}", numbers.minCoeff(), numbers.maxCoeff()),
        digest.hex().substr(0, digits));
}

/// l1 and l2 as numbers.
std::pair<double, double> strengths_of(const PenaltyOptions& options, double weight_sum) {
    if (!options.has_strength()) {
        return {options.l1, options.l2};
    }
    const double strength = options.lambda ? *options.lambda : 1 / (*options.c * weight_sum);
    if (!std::isfinite(strength)) {
        throw comm::AgreedError(
            Error(ExitCode::usage, fmt::format("--C {}: 1 / (S C), S = {} the sum of the row "
                                               "weights, is not finite; give a larger number",
                                               *options.c, weight_sum)));
    }
    return {options.l1_ratio * strength, (1 - options.l1_ratio) * strength};
}

Vector bounds_of(const comm::Communicator& comm, const data::Manifest& manifest,
                 const std::string& source, const std::string& option, double none) {
    return source.empty() ? Vector::Constant(manifest.features, none)
                          : feature_numbers(comm, manifest, source,
                                            {.option = option,
                                             .otherwise = none,
                                             .lowest = -infinity,
                                             .may_be_infinite = true});
}

void check_bounds(const comm::Communicator& comm, const data::Manifest& manifest,
                  const Vector& lower, const Vector& upper) {
    comm::on_root(comm, [&] {
        for (Index j = 0; j < lower.size(); ++j) {
            // Steps to such a number, and penalties of it, would not be finite.
            constexpr double largest = 1e100;
            const auto check = [&](const char* option, double bound, double no_bound) {
                if (std::abs(bound) > largest && bound != no_bound) {
                    throw Error(
                        ExitCode::usage,
                        fmt::format("--{} {} of the coefficient of {}: expected a number from "
                                    "-1e100 to 1e100, or {} for no bound",
                                    option, bound, manifest.name_of_feature(j), no_bound));
                }
            };
            check("lower", lower[j], -infinity);
            check("upper", upper[j], infinity);
            if (!(lower[j] <= upper[j])) {
                throw Error(ExitCode::usage,
                            fmt::format("--lower and --upper leave no number to the coefficient of "
                                        "{}: {} is not below {}",
                                        manifest.name_of_feature(j), lower[j], upper[j]));
            }
        }
    });
}

/// What the squared standard deviation leaves of the penalty has to be a number with all of its
/// digits: a feature in other units has the same objective, or none.
void check_standardised(const DataSet& data, const model::Penalty& penalty, const Vector& factors,
                        const Vector& unit) {
    const auto is_lost = [](double strength, double of_feature) {
        return strength > 0 && !std::isnormal(of_feature);
    };
    for (Index j = 0; j < unit.size(); ++j) {
        // An idle feature has no unit.
        if (factors[j] == 0 || unit[j] == 0) {
            continue;
        }
        const double of_square = factors[j] * unit[j] * unit[j];
        if (!std::isfinite(of_square) || is_lost(penalty.l2(), of_square) ||
            is_lost(penalty.l2(), penalty.l2_of(j)) || is_lost(penalty.l1(), penalty.l1_of(j))) {
            throw comm::AgreedError(Error(
                ExitCode::usage,
                fmt::format("--penalty-scale standardized: the standard deviation {} of "
                            "feature {} is too {} to be squared in double arithmetic; rescale "
                            "this feature, or leave --penalty-scale out",
                            unit[j], name_of(data, j), unit[j] < 1 ? "small" : "large")));
        }
    }
}

}  // namespace

bool Penalties::let_grow(Index feature, double coefficient) const {
    const bool is_penalised = penalty.l1_of(feature) > 0 || penalty.l2_of(feature) > 0;
    const bool is_bounded =
        lower.size() > 0 && std::isfinite(coefficient > 0 ? upper[feature] : lower[feature]);
    return !is_penalised && !is_bounded;
}

double Penalties::nearest_to_zero(Index feature) const {
    return lower.size() == 0 ? 0.0 : std::clamp(0.0, lower[feature], upper[feature]);
}

bool PenaltyOptions::may_hold_off_zero() const {
    const auto leaves_zero = [](const std::string& source, auto&& is_on_its_side) {
        const std::optional<double> number = number_of(source);
        return source.empty() || (number && is_on_its_side(*number));
    };
    return !leaves_zero(lower, [](double bound) { return bound <= 0; }) ||
           !leaves_zero(upper, [](double bound) { return bound >= 0; });
}

Penalties make_penalties(const comm::Communicator& comm, const PenaltyOptions& options,
                         const DataSet& data, const Moments& moments) {
    const data::Manifest& manifest = data.manifest;
    const auto [l1, l2] = strengths_of(options, moments.weight_sum);
    Penalties penalties;
    penalties.penalty = model::Penalty(l2, l1);
    auto& path = penalties.path_options;
    path = {{"l1", fmt::format("{}", l1)},
            {"l2", fmt::format("{}", l2)},
            {"penalty-scale", options.is_of_standardised ? "standardized" : "original"},
            {"penalty-factors", "unset"},
            {"lower", "unset"},
            {"upper", "unset"}};
    if (!options.factors.empty() || options.is_of_standardised) {
        Vector factors = Vector::Ones(data.shard.features);
        if (!options.factors.empty()) {
            const Vector of_all = feature_numbers(comm, manifest, options.factors,
                                                  {.option = "penalty-factors",
                                                   .otherwise = 1,
                                                   .lowest = 0,
                                                   .may_be_infinite = false});
            path["penalty-factors"] = path_option_of(of_all);
            factors = of_kept_features(data, of_all);
        }
        const Vector unit = options.is_of_standardised ? moments.standard_deviation
                                                       : Vector::Ones(data.shard.features);
        penalties.penalty = model::Penalty(l2, l1, factors.cwiseProduct(unit).cwiseProduct(unit),
                                           factors.cwiseProduct(unit));
        if (options.is_of_standardised) {
            check_standardised(data, penalties.penalty, factors, unit);
        }
    }
    if (options.has_bounds()) {
        const Vector lower = bounds_of(comm, manifest, options.lower, "lower", -infinity);
        const Vector upper = bounds_of(comm, manifest, options.upper, "upper", infinity);
        check_bounds(comm, manifest, lower, upper);
        if ((lower.array() > -infinity).any()) {
            path["lower"] = path_option_of(lower);
        }
        if ((upper.array() < infinity).any()) {
            path["upper"] = path_option_of(upper);
        }
        penalties.lower = of_kept_features(data, lower);
        penalties.upper = of_kept_features(data, upper);
    }
    return penalties;
}

void keep_bounds_exact(const Penalties& penalties, optim::ChangeOfVariables& change) {
    for (Index j = 0; j < penalties.lower.size(); ++j) {
        const auto is_number = [](double bound) { return bound != 0 && std::isfinite(bound); };
        if (change.scale[j] > 0 &&
            (is_number(penalties.lower[j]) || is_number(penalties.upper[j]))) {
            int exponent = 0;
            std::frexp(change.scale[j], &exponent);
            change.scale[j] = std::ldexp(1.0, exponent);
        }
    }
}

optim::SeparableTerm separable_term(const PenaltyOptions& options, const Penalties& penalties,
                                    const optim::ChangeOfVariables& change, bool is_always_whole) {
    if (!options.has_kinks() && !is_always_whole) {
        return {};
    }
    const Index features = change.scale.size();
    const Index dimension = features + (change.has_intercept ? 1 : 0);
    optim::SeparableTerm term{.l1 = Vector::Zero(dimension),
                              .lower = Vector::Constant(dimension, -infinity),
                              .upper = Vector::Constant(dimension, infinity)};
    for (Index j = 0; j < features; ++j) {
        // A feature that is left alone has no variable of its own.
        if (change.scale[j] == 0) {
            continue;
        }
        term.l1[j] = penalties.penalty.l1_of(j) / change.scale[j];
        if (penalties.lower.size() > 0) {
            term.lower[j] = penalties.lower[j] * change.scale[j];
            term.upper[j] = penalties.upper[j] * change.scale[j];
        }
    }
    return term;
}

}  // namespace paralogit::train
