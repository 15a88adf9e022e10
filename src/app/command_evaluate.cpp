#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <filesystem>
#include <functional>
#include <optional>
#include <system_error>

#include "execution_values.hpp"
#include "paralogit/app/commands.hpp"
#include "paralogit/base/output_file.hpp"
#include "paralogit/comm/agreement.hpp"
#include "paralogit/train/evaluation_report.hpp"
#include "paralogit/train/model_features.hpp"
#include "paralogit/train/model_labels.hpp"
#include "paralogit/train/parallel_file.hpp"
#include "paralogit/train/plot_program.hpp"
#include "paralogit/train/predict.hpp"
#include "source_values.hpp"

namespace paralogit::app {

namespace {

using Kind = train::ThresholdRule::Kind;

train::ThresholdRule rule_of(const Options& options) {
    const std::string text = options.text("threshold");
    if (text == "f1") {
        return {.kind = Kind::f1};
    }
    if (text == "youden") {
        return {.kind = Kind::youden};
    }
    if (const auto precision = options.number_after("threshold", "precision=", {0.0, 1.0, false})) {
        return {.kind = Kind::precision, .value = *precision};
    }
    return {.kind = Kind::value,
            .value = options.number("threshold", {0.0, 1.0}, "f1, youden, precision=NUMBER, or ")};
}

std::string ratio_text(double ratio) {
    return std::isnan(ratio) ? "undefined: nothing to divide by" : fmt::format("{:.6f}", ratio);
}

std::string class_ratio_text(double ratio, const char* missing) {
    return std::isnan(ratio) ? fmt::format("undefined: {}", missing)
                             : fmt::format("{:.12g}", ratio);
}

std::string line_of(std::string_view name, const std::string& value) {
    return fmt::format("{:<22}{}\n", name, value);
}

std::string best_text(const model::BestThreshold& best) {
    return best.is_found() ? fmt::format("{:.6f} at the threshold {}", best.value, best.probability)
                           : "undefined: one of the classes has no row";
}

std::string table_of(const train::Scores& scores) {
    const train::RankMetrics& ranking = scores.ranking;
    const bool is_weighted = scores.weight_sum != static_cast<double>(scores.rows);
    std::string text = fmt::format(
        "\ncalibration in bins of equal width\n"
        "     probability  mean predicted  share of positives {:>15}\n",
        is_weighted ? "row weights" : "rows");
    const auto bins = static_cast<double>(ranking.equal_width.size());
    double lower = 0;
    for (const model::CalibrationBin& bin : ranking.equal_width) {
        const double upper = lower + 1;
        if (bin.weight > 0) {
            text +=
                fmt::format("      {:.1f} to {:.1f} {:>15.6f} {:>19.6f} {:>15.12g}\n", lower / bins,
                            upper / bins, bin.mean_probability, bin.positive_rate, bin.weight);
        }
        lower = upper;
    }
    text += "\nhighest scores first\n      share of rows  share of positives            lift";
    for (const train::Gain& gain : ranking.gains) {
        text += fmt::format("\n{:>19.1f} {:>19} {:>15}", gain.rows, ratio_text(gain.positives),
                            ratio_text(gain.lift));
        if (std::isnan(gain.positives)) {
            break;
        }
    }
    return text;
}

std::string text_of(const train::Scores& scores, const train::ThresholdRule& rule) {
    const train::RankMetrics& ranking = scores.ranking;
    const model::Confusion& c = ranking.confusion;
    const char* const one_class = "one of the classes has no row";
    std::string text = line_of("rows", fmt::format("{}", scores.rows));
    if (scores.soft_rows > 0) {
        text += line_of("soft labels",
                        fmt::format("{} rows, each y of a positive and 1 - y of a negative row",
                                    scores.soft_rows));
    }
    text += line_of("log loss", fmt::format("{:.12g}", scores.log_loss));
    text += line_of("Brier score", fmt::format("{:.12g}{}", scores.brier_score,
                                               scores.soft_rows > 0 ? ", of (p - y)^2" : ""));
    text += line_of("ROC AUC", class_ratio_text(ranking.roc_auc, one_class));
    text += line_of("average precision",
                    class_ratio_text(ranking.average_precision, "there is no positive row"));
    text += line_of("Kolmogorov-Smirnov", class_ratio_text(ranking.kolmogorov_smirnov, one_class));
    text += line_of("calibration error",
                    class_ratio_text(ranking.expected_calibration_error, "there is no row"));
    text += line_of("largest F1", best_text(ranking.best_f1));
    text += line_of("largest Youden's J", best_text(ranking.best_youden));
    text += line_of("threshold", rule.kind == Kind::value
                                     ? fmt::format("{}", ranking.threshold)
                                     : fmt::format("{}, by the rule {}", ranking.threshold,
                                                   train::text_of(rule)));
    using Ratio = double (*)(const model::Confusion&);
    constexpr std::array<std::pair<std::string_view, Ratio>, 7> ratios{
        {{"accuracy", model::accuracy},
         {"balanced accuracy", model::balanced_accuracy},
         {"precision", model::precision},
         {"recall", model::recall},
         {"specificity", model::specificity},
         {"F1", model::f1},
         {"Matthews correlation", model::matthews_correlation}}};
    for (const auto& [name, ratio] : ratios) {
        text += line_of(name, ratio_text(ratio(c)));
    }
    return text +
           fmt::format(
               "                    predicted 1   predicted 0\n"
               "  label 1      {:>16.12g} {:>13.12g}\n"
               "  label 0      {:>16.12g} {:>13.12g}",
               c.true_positives, c.false_negatives, c.false_positives, c.true_negatives) +
           table_of(scores);
}

constexpr std::array plot_names{"roc", "precision_recall", "calibration", "lift"};

/// The directories of an evaluation, on rank 0.
class Outputs {
  public:
    /// Throws Error (usage) where there is something already that may not be replaced, or is no
    /// directory, or no program that draws, and Error (cannot_write) where no directory can be.
    explicit Outputs(const Options& options)
        : directory_(options.optional_text("out")), plots_(options.optional_text("plots")) {
        const bool may_replace = options.is_set("overwrite");
        if (plots_) {
            check_directory(*plots_, "--plots");
            gnuplot_ = train::find_gnuplot();
            for (const std::string name : plot_names) {
                train::check_target(path_of(*plots_, name + ".gnuplot"), may_replace, "--plots");
                train::check_target(path_of(*plots_, name + ".png"), may_replace, "--plots");
            }
        }
        if (directory_) {
            check_directory(*directory_, "--out");
            train::check_target(path_of(*directory_, "metrics.json"), may_replace);
            for (const std::string name : plot_names) {
                train::check_target(path_of(*directory_, name + ".csv"), may_replace);
            }
        }
    }

    /// Throws Error (cannot_write).
    void write(const train::Scores& scores, const train::ThresholdRule& rule) const {
        if (directory_) {
            make(*directory_);
            for (const train::TextFile& file : train::curve_files(scores)) {
                write_text(path_of(*directory_, file.name), file.content);
            }
            // Last: where it is, the others are.
            write_text(path_of(*directory_, "metrics.json"),
                       train::metrics_json(scores, rule) + "\n");
        }
        if (plots_) {
            make(*plots_);
            for (const train::TextFile& file : train::plot_scripts(scores)) {
                const std::filesystem::path script = path_of(*plots_, file.name);
                write_text(script, file.content);
                train::draw(gnuplot_, script,
                            std::filesystem::path(script).replace_extension("png"));
            }
        }
    }

  private:
    static std::filesystem::path path_of(const std::string& directory, const std::string& name) {
        return std::filesystem::path(directory) / name;
    }

    /// It is made, and written into, when all has been read: a long time later.
    static void check_directory(const std::filesystem::path& directory, std::string_view option) {
        std::error_code ignored;  // what cannot be looked at says why when it is made
        std::filesystem::path place = std::filesystem::absolute(directory, ignored);
        while (place.has_relative_path() && !std::filesystem::exists(place, ignored)) {
            place = place.parent_path();
        }
        // A link that leads nowhere does not exist, and no directory can be made there.
        const bool is_link = std::filesystem::is_symlink(directory, ignored);
        if ((is_link || std::filesystem::exists(place, ignored)) &&
            !std::filesystem::is_directory(is_link ? directory : place, ignored)) {
            const bool is_itself = is_link || std::filesystem::exists(directory, ignored);
            throw Error(is_itself ? ExitCode::usage : ExitCode::cannot_write,
                        fmt::format("{}: {} is a file, and {} names a directory; give another",
                                    directory.string(), place.string(), option));
        }
        if (::access(place.c_str(), W_OK | X_OK) != 0) {
            throw Error(
                ExitCode::cannot_write,
                fmt::format("{}: cannot write into {}: {}", directory.string(), place.string(),
                            std::error_code(errno, std::generic_category()).message()));
        }
    }

    static void make(const std::string& directory) {
        std::error_code status;
        std::filesystem::create_directories(directory, status);
        if (status) {
            throw Error(ExitCode::cannot_write, fmt::format("{}: cannot make the directory: {}",
                                                            directory, status.message()));
        }
    }

    static void write_text(const std::filesystem::path& path, std::string_view text) {
        OutputFile file(path);
        file.append(text);
        file.commit();
    }

    std::optional<std::string> directory_;
    std::optional<std::string> plots_;
    std::filesystem::path gnuplot_;
};

}  // namespace

ExitCode run_evaluate(const Context& context, const Options& options) {
    const comm::Communicator& comm = context.comm;
    const train::ThresholdRule rule = comm::together(comm, [&] { return rule_of(options); });
    std::optional<Outputs> outputs;
    comm::on_root(comm, [&] { outputs.emplace(options); });

    const train::Model model = train::load_model(comm, options.text("model"));
    const data::SourceOptions source = comm::together(comm, [&] {
        const std::string path = options.text("model");
        return train::with_features_of(
            model, path,
            train::with_labels_of(model, path,
                                  source_of(options, true, data::SourceOptions::Use::judging)));
    });
    const train::DataSet data =
        train::load_data_set(comm, options.list("data"), source, execution_of(context, options));
    comm::together(comm, [&] { train::check_fit(model, data.manifest); });
    context.console.info(taken_text(data.manifest));
    warn_of_rows(data.manifest, train::note_of_names(model, options.text("model"), data.manifest),
                 context.console);
    const train::Scores scores = train::evaluate(comm, model, data, rule);
    context.console.result(options.is_set("json") ? train::metrics_json(scores, rule)
                                                  : text_of(scores, rule));
    comm::on_root(comm, [&] { outputs->write(scores, rule); });
    return ExitCode::done;
}

}  // namespace paralogit::app
