#include "paralogit/train/inference_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

namespace paralogit::train {

namespace {

using nlohmann::ordered_json;

constexpr Index intercept_number = -1;

void put_wald(ordered_json& object, const std::string& prefix, const model::WaldStatistics& wald) {
    object[prefix + "standard_error"] = wald.standard_error;
    object[prefix + "z"] = wald.z;
    object[prefix + "p"] = wald.p;
    object[prefix + "lower"] = wald.lower;
    object[prefix + "upper"] = wald.upper;
}

/// A field of a table, in quotes where it needs them.
std::string csv_field(const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos) {
        return text;
    }
    std::string quoted = "\"";
    for (const char c : text) {
        quoted += c == '"' ? "\"\"" : std::string(1, c);
    }
    return quoted + "\"";
}

std::string covariance_text(const InferenceReport& report) {
    return report.statistics.is_penalised
               ? "inverse of the Hessian of the penalised log likelihood, which is the covariance "
                 "under a normal prior of the coefficients with variance 1/(weight_sum l2)"
               : "inverse of the Hessian of the log likelihood";
}

}  // namespace

std::string InferenceReport::name_of(Index feature) const {
    if (feature == intercept_number) {
        return "(intercept)";
    }
    return names.empty() ? fmt::format("column {}", feature)
                         : names.at(static_cast<std::size_t>(feature));
}

std::vector<InferenceReport::Row> InferenceReport::rows() const {
    std::vector<Row> rows;
    const auto parameters = statistics.parameters;
    if (statistics.has_intercept) {
        rows.push_back({name_of(intercept_number), intercept_number, parameters.back(),
                        remarks.empty() ? "" : remarks.back()});
    }
    std::size_t next = 0;
    for (Index feature = 0; feature < all_features; ++feature) {
        // A feature that no row has an entry of was left out of the run, at 0.
        Row row{name_of(feature),
                feature,
                {.estimate = 0, .by_hessian = {}, .robust = {}},
                "no entries"};
        if (next < features.size() && features[next] == feature) {
            row.statistics = parameters[next];
            row.remark = remarks.empty() ? "" : remarks[next];
            ++next;
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

void InferenceReport::withhold_unbounded(const std::vector<Index>& unbounded,
                                         bool is_held_by_little) {
    for (const Index j : unbounded) {
        const auto at = static_cast<std::size_t>(j);
        statistics.parameters.at(at).by_hessian = {};
        statistics.parameters.at(at).robust = {};
        remarks.at(at) = is_held_by_little ? "held by little" : "no finite optimum";
        has_no_finite_optimum = has_no_finite_optimum || !is_held_by_little;
    }
}

std::vector<std::string> InferenceReport::findings() const {
    std::vector<std::string> texts;
    texts.reserve(collinear.size() + vanished.size());
    constexpr std::size_t most_told = 5;
    const auto variables = std::ssize(features) + (statistics.has_intercept ? 1 : 0);
    const bool has_few_rows = !statistics.is_penalised && variables > statistics.rows;
    if (has_few_rows) {
        texts.push_back(few_rows_text(std::ssize(features), statistics.rows));
    }
    for (std::size_t k = 0; k < std::min(collinear.size(), most_told) && !has_few_rows; ++k) {
        texts.push_back("collinear features: " + collinear[k] +
                        "; their coefficients are not determined, and have no standard errors: "
                        "leave one out, or " +
                        (statistics.is_penalised ? "penalise one" : "give --l2"));
    }
    if (collinear.size() > most_told && !has_few_rows) {
        texts.push_back(fmt::format(
            "{} more equations between features: `collinear` in inference.json has all of them",
            collinear.size() - most_told));
    }
    if (has_all_texts_of_a_column && !has_few_rows) {
        texts.push_back(advice_on_texts());
    }
    for (const std::string& name : vanished) {
        texts.push_back("the curvature along " + name +
                        " has vanished: the rows that could tell its coefficient lie so far on "
                        "their side that they tell nothing any more (quasi-complete separation, or "
                        "outliers); it has no standard error");
    }
    return texts;
}

std::string inference_json(const InferenceReport& report) {
    const model::Inference& statistics = report.statistics;
    ordered_json json;
    json["kind"] = statistics.is_penalised ? "l2-penalised" : "maximum likelihood";
    json["covariance"] = covariance_text(report);
    json["robust_covariance"] = "sandwich, HC0";
    json["distribution"] = "normal";
    json["l2"] = report.l2;
    json["has_class_weights"] = report.has_class_weights;
    json["stop_reason"] = report.stop_reason;
    json["is_at_optimum"] = report.is_at_optimum();
    json["distance_to_optimum"] = statistics.distance_to_optimum;
    json["rows"] = statistics.rows;
    json["weight_sum"] = statistics.weight_sum;
    json["rank"] = statistics.rank;
    json["effective_parameters"] = statistics.effective_parameters;
    json["log_likelihood"] = statistics.log_likelihood;
    json["null_deviance"] = statistics.null_deviance;
    json["null_degrees_of_freedom"] = statistics.null_degrees;
    json["residual_deviance"] = statistics.residual_deviance;
    json["residual_degrees_of_freedom"] = statistics.residual_degrees;
    json["aic"] = statistics.aic;
    json["bic"] = statistics.bic;
    json["confidence"] = statistics.confidence;
    json["parameters"] = ordered_json::array();
    for (const InferenceReport::Row& row : report.rows()) {
        ordered_json object;
        object["name"] = row.name;
        object["feature"] =
            row.feature == intercept_number ? ordered_json() : ordered_json(row.feature);
        object["estimate"] = row.statistics.estimate;
        put_wald(object, "", row.statistics.by_hessian);
        put_wald(object, "robust_", row.statistics.robust);
        object["remark"] = row.remark.empty() ? ordered_json() : ordered_json(row.remark);
        json["parameters"].push_back(std::move(object));
    }
    json["collinear"] = report.collinear;
    json["vanished_curvature"] = report.vanished;
    json["model_sha256"] = report.model_sha256;
    json["data_fingerprint"] = report.data_fingerprint;
    json["version"] = report.version;
    // Names come from files and may be no UTF-8.
    return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::string inference_csv(const InferenceReport& report) {
    fmt::memory_buffer lines;
    fmt::format_to(std::back_inserter(lines),
                   "name,feature,estimate,standard_error,z,p,lower,upper,robust_standard_error,"
                   "robust_z,robust_p,robust_lower,robust_upper,remark\n");
    const auto add = [&](double number) {
        // The sign of a NaN means nothing.
        fmt::format_to(std::back_inserter(lines), ",{}",
                       std::isnan(number) ? std::abs(number) : number);
    };
    for (const InferenceReport::Row& row : report.rows()) {
        fmt::format_to(std::back_inserter(lines), "{},{}", csv_field(row.name),
                       row.feature == intercept_number ? "" : fmt::format("{}", row.feature));
        add(row.statistics.estimate);
        for (const model::WaldStatistics& wald :
             {row.statistics.by_hessian, row.statistics.robust}) {
            for (const double number :
                 {wald.standard_error, wald.z, wald.p, wald.lower, wald.upper}) {
                add(number);
            }
        }
        fmt::format_to(std::back_inserter(lines), ",{}\n", row.remark);
    }
    return fmt::to_string(lines);
}

std::string few_rows_text(Index features, Index rows) {
    return fmt::format(
        "more features ({}) than rows ({}) can tell: without a penalty many coefficients give the "
        "same margins, and none is determined: give --l2, or --l1 to choose a few features",
        features, rows);
}

std::string advice_on_texts() {
    return "collinear features that are all texts of a column: paralogit convert --reference first "
           "leaves out one text of each column, --reference COLUMN=TEXT one of your choice";
}

bool adds_up_texts_of_a_column(const InferenceReport& report, const model::Alias& alias) {
    constexpr double near = 1e-7;
    const auto count = static_cast<Index>(report.features.size());
    const auto name = [&](Index j) {
        return report.name_of(report.features[static_cast<std::size_t>(j)]);
    };
    std::vector<std::string> others;
    for (Index j = 0; j < alias.factors.size(); ++j) {
        const double expected = j == count ? 1 : -1;
        if (alias.factors[j] != 0 && j != count) {
            others.push_back(name(j));
        }
        if ((alias.factors[j] != 0 || j == count) && std::abs(alias.factors[j] - expected) > near) {
            return false;
        }
    }
    if (others.empty() || alias.factors.size() <= count || alias.variable == count) {
        return false;
    }
    // Columns and texts may have a '=' of their own.
    const std::string own = name(alias.variable);
    for (std::size_t end = own.find('='); end != std::string::npos; end = own.find('=', end + 1)) {
        const std::string column = own.substr(0, end + 1);
        if (std::ranges::all_of(others,
                                [&](const auto& other) { return other.starts_with(column); })) {
            return true;
        }
    }
    return false;
}

std::string alias_text(const InferenceReport& report, const model::Alias& alias) {
    const auto count = static_cast<Index>(report.features.size());
    const auto name = [&](Index variable) {
        return variable == count
                   ? std::string("1")
                   : report.name_of(report.features[static_cast<std::size_t>(variable)]);
    };
    // What a factor is off by rounding shows as that; nearby whole numbers are meant.
    const auto tidied = [](double factor) {
        constexpr double near = 1e-7;
        const double whole = std::round(factor);
        return std::abs(factor - whole) < near * std::max(1.0, std::abs(factor)) ? whole : factor;
    };
    std::string text = name(alias.variable) + " =";
    constexpr Index most_terms = 10;
    Index terms = 0;
    bool is_first = true;
    for (Index j = 0; j < alias.factors.size(); ++j) {
        const double factor = tidied(alias.factors[j]);
        if (factor == 0) {
            continue;
        }
        if (++terms > most_terms) {
            continue;
        }
        const double size = std::abs(factor);
        const std::string sign = factor < 0 ? (is_first ? "-" : "- ") : (is_first ? "" : "+ ");
        text += " " + sign;
        if (j == count) {
            text += fmt::format("{:.6g}", size);
        } else {
            text += size == 1 ? name(j) : fmt::format("{:.6g} {}", size, name(j));
        }
        is_first = false;
    }
    if (terms > most_terms) {
        text += fmt::format(" + ... ({} terms)", terms);
    }
    return is_first ? text + " 0" : text;
}

}  // namespace paralogit::train
