#include "inference_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

namespace paralogit::app {

namespace {

constexpr std::size_t most_rows = 40;
constexpr std::size_t widest_name = 24;

std::string p_text(double p) {
    constexpr double smallest = std::numeric_limits<double>::min();
    if (std::isnan(p)) {
        return "NA";
    }
    return p < smallest ? fmt::format("< {:.1e}", smallest) : fmt::format("{:.3g}", p);
}

/// As R has them, with the borders below the table.
std::string_view stars(double p) {
    return p < 0.001 ? "***" : p < 0.01 ? "**" : p < 0.05 ? "*" : p < 0.1 ? "." : "";
}

std::string number_text(double number) {
    return std::isnan(number) ? "NA" : fmt::format("{:.5g}", number);
}

std::string shortened(const std::string& name) {
    return name.size() <= widest_name ? name : name.substr(0, widest_name - 2) + "..";
}

std::string heading_of(const train::InferenceReport& report) {
    std::string text = report.statistics.is_penalised
                           ? fmt::format(
                                 "Coefficients, PENALISED by --l2 {:g}: shrunk on purpose, "
                                 "so z and p are not those of R's glm",
                                 report.l2)
                           : std::string("Coefficients, by maximum likelihood");
    if (report.has_no_finite_optimum) {
        text +=
            "\nNO FINITE OPTIMUM: the coefficients that are marked so grow without bound, and "
            "have no statistics; those of the others are for any size of these";
    } else if (!report.is_at_optimum()) {
        text += fmt::format("\nNOT AT THE OPTIMUM ({}): up to {:.2g} standard errors away from it",
                            report.stop_reason, report.statistics.distance_to_optimum);
    }
    return text;
}

}  // namespace

std::string inference_table(const train::InferenceReport& report,
                            const std::filesystem::path& out) {
    const model::Inference& statistics = report.statistics;
    const auto rows = report.rows();
    const std::size_t shown = std::min(rows.size(), most_rows);
    std::size_t width = 0;
    for (std::size_t i = 0; i < shown; ++i) {
        width = std::max(width, shortened(rows[i].name).size());
    }
    const auto bound = [&](double sign) {
        return fmt::format("{:.4g} %", 50 + sign * 50 * statistics.confidence);
    };
    std::string text = fmt::format(
        "{}\n{:<{}} {:>12} {:>11} {:>11} {:>9} {:>10}     {:>12} {:>12}\n", heading_of(report), "",
        width, "Estimate", "Std. error", "Robust s.e.", "z value", "Pr(>|z|)", bound(-1), bound(1));
    for (std::size_t i = 0; i < shown; ++i) {
        const auto& [estimate, wald, robust] = rows[i].statistics;
        text +=
            fmt::format("{:<{}} {:>12} {:>11} {:>11} {:>9} {:>10} {:<3} {:>12} {:>12}{}\n",
                        shortened(rows[i].name), width, number_text(estimate),
                        number_text(wald.standard_error), number_text(robust.standard_error),
                        std::isnan(wald.z) ? "NA" : fmt::format("{:.3f}", wald.z), p_text(wald.p),
                        stars(wald.p), number_text(wald.lower), number_text(wald.upper),
                        rows[i].remark.empty() ? "" : "  (" + rows[i].remark + ")");
    }
    if (shown < rows.size()) {
        text += fmt::format("... and {} more\n", rows.size() - shown);
    }
    text += "--- 0 '***' 0.001 '**' 0.01 '*' 0.05 '.' 0.1 ' ' 1\n";
    text += fmt::format(
        "Null deviance      {:.10g} on {} degrees of freedom\n"
        "Residual deviance  {:.10g} on {:.6g} degrees of freedom\n"
        "Log likelihood     {:.10g}\nAIC {:.10g}, BIC {:.10g} ({} rows, {:.6g} {}parameters)\n",
        statistics.null_deviance, statistics.null_degrees, statistics.residual_deviance,
        statistics.residual_degrees, statistics.log_likelihood, statistics.aic, statistics.bic,
        statistics.rows, statistics.effective_parameters,
        statistics.is_penalised ? "effective " : "");
    // Of labels that are 0 and 1 these are the same.
    constexpr double beyond_rounding = 1e-12;
    if (-2 * statistics.log_likelihood > statistics.residual_deviance * (1 + beyond_rounding)) {
        text +=
            "(labels between 0 and 1: likelihood, AIC and BIC are without the binomial "
            "coefficients that R counts for proportions of totals)\n";
    }
    return text +
           fmt::format("All of it: {} and inference.csv\n", (out / "inference.json").string());
}

void warn_of_inference(const train::InferenceReport& report, Console& console) {
    if (!report.is_at_optimum() && !report.has_no_finite_optimum) {
        console.warning(fmt::format(
            "the statistics are those of a model that is not at the optimum: it is up to {:.2g} "
            "standard errors away; {}",
            report.statistics.distance_to_optimum,
            report.stop_reason == "precision_limit"
                ? "the arithmetic has no more digits for this data: subtract constants from "
                  "features with large means, or leave out features that others all but determine"
                : "go on with --resume and a higher limit"));
    }
    if (report.has_class_weights) {
        console.warning(
            "class weights count as numbers of rows in standard errors, AIC and BIC; the robust "
            "standard errors allow for weights");
    }
}

}  // namespace paralogit::app
