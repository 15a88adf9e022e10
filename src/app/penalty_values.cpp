#include "penalty_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "paralogit/base/error.hpp"

namespace paralogit::app {

namespace {

/// Beyond any use, and far within what a double can hold beside coefficients and their squares.
constexpr double strongest = 1e100;

[[noreturn]] void refuse(const std::string& text) {
    throw Error(ExitCode::usage, text);
}

/// --penalty FAMILY with a strength, in the words of scikit-learn and glmnet.
void read_family(const Options& options, train::PenaltyOptions& penalty) {
    constexpr std::string_view families[] = {"none", "l2", "l1", "elasticnet"};
    const std::string family = options.choice("penalty", families);
    for (const char* own : {"l1", "l2"}) {
        if (options.number(own, {0.0, strongest}) > 0) {
            refuse(
                fmt::format("--{} {} and --penalty {} exclude each other: give --l1 and --l2, or "
                            "--penalty with --lambda or --C",
                            own, options.text(own), family));
        }
    }
    const bool has_lambda = options.has("lambda");
    const bool has_c = options.has("C");
    if (family == "none") {
        if (has_lambda || has_c || options.has("l1-ratio")) {
            refuse("--penalty none goes without --lambda, --C and --l1-ratio");
        }
        return;
    }
    if (has_lambda == has_c) {
        refuse(
            fmt::format("--penalty {}: expected its strength by either --lambda, as in glmnet, or "
                        "--C, as in scikit-learn",
                        family));
    }
    if (has_lambda) {
        penalty.lambda = options.number("lambda", {0.0, strongest});
    } else {
        penalty.c = options.number("C", {0.0, std::numeric_limits<double>::infinity(), false});
    }
    const bool mixes = family == "elasticnet";
    if (mixes != options.has("l1-ratio")) {
        refuse(mixes
                   ? "--penalty elasticnet: expected --l1-ratio, the part that is l1, in [0, 1]"
                   : fmt::format("--l1-ratio goes with --penalty elasticnet, not with {}", family));
    }
    penalty.l1_ratio = mixes ? options.number("l1-ratio", {0.0, 1.0}) : family == "l1" ? 1.0 : 0.0;
}

}  // namespace

train::PenaltyOptions read_penalty(const Options& options) {
    train::PenaltyOptions penalty;
    if (options.has("penalty")) {
        read_family(options, penalty);
    } else {
        for (const char* needs_family : {"lambda", "C", "l1-ratio"}) {
            if (options.has(needs_family)) {
                refuse(
                    fmt::format("--{} goes with --penalty l1, l2 or elasticnet, which is not "
                                "given",
                                needs_family));
            }
        }
        penalty.l1 = options.number("l1", {0.0, strongest});
        penalty.l2 = options.number("l2", {0.0, strongest});
    }
    for (const char* of_penalty : {"penalty-scale", "penalty-factors"}) {
        if (!penalty.is_penalised() && options.differs_from_standard(of_penalty)) {
            refuse(
                fmt::format("--{} has no effect without a penalty; give --l1, --l2 or --penalty "
                            "with it, or leave it out",
                            of_penalty));
        }
    }
    constexpr std::string_view scales[] = {"original", "standardized"};
    penalty.is_of_standardised = options.choice("penalty-scale", scales) == "standardized";
    penalty.factors = options.optional_text("penalty-factors").value_or("");
    penalty.lower = options.optional_text("lower").value_or("");
    penalty.upper = options.optional_text("upper").value_or("");
    return penalty;
}

void check_solver(const train::PenaltyOptions& penalty, const train::SolverOptions& solver) {
    constexpr std::array<std::string_view, 3> able{"auto", "prox-newton", "owl-qn"};
    if (penalty.has_kinks() && std::ranges::find(able, solver.name) == able.end()) {
        refuse(
            fmt::format("--solver {} needs an objective that is smooth, which it is not with {}; "
                        "give --solver prox-newton, owl-qn or auto",
                        solver.name, penalty.has_l1() ? "an l1 penalty" : "bounds"));
    }
}

}  // namespace paralogit::app
