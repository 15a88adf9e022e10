#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "paralogit/train/evaluation_report.hpp"

namespace paralogit::train {

namespace {

/// Colours that people with any colour vision, and printers, tell apart (Okabe and Ito, 2008).
constexpr std::string_view blue = "#0072b2";
constexpr std::string_view orange = "#d55e00";
constexpr std::string_view grey = "#888888";

/// Numbers in columns under a name, as gnuplot reads them from a script.
class Data {
  public:
    explicit Data(std::string_view name) {
        fmt::format_to(std::back_inserter(lines_), "${} << END\n", name);
    }

    /// A point of a line; where a coordinate is undefined there is none.
    void add(double x, double y) {
        if (std::isfinite(x) && std::isfinite(y)) {
            fmt::format_to(std::back_inserter(lines_), "{} {}\n", x, y);
        }
    }

    std::string text() const { return fmt::to_string(lines_) + "END\n"; }

  private:
    fmt::memory_buffer lines_;
};

std::string number_text(double number) {
    return std::isnan(number) ? "undefined" : fmt::format("{:.4f}", number);
}

/// What all pictures have: shares from 0 to 1 along both axes, a grid behind, the key in a corner.
std::string setting(std::string_view title, std::string_view x, std::string_view y,
                    std::string_view key_place) {
    return fmt::format(
        "set terminal pngcairo size 1200,1050 font 'DejaVu Sans,22' linewidth 2\n"
        "set encoding utf8\n"
        "set title '{}'\n"
        "set xlabel '{}'\n"
        "set ylabel '{}'\n"
        "set xrange [0:1]\n"
        "set yrange [0:1.02]\n"
        "set xtics 0.2 nomirror\n"
        "set ytics 0.2 nomirror\n"
        "set border 3\n"
        "set grid linecolor rgb '#dddddd' linewidth 1\n"
        "set key {} Left reverse spacing 1.2 samplen 2.5\n",
        title, x, y, key_place);
}

std::string with_line(std::string_view colour) {
    return fmt::format("with lines linecolor rgb '{}' linewidth 2", colour);
}

std::string reference_line(std::string_view formula, std::string_view name) {
    return fmt::format("{} with lines linecolor rgb '{}' dashtype 2 title '{}'", formula, grey,
                       name);
}

std::string roc_script(const RankMetrics& ranking) {
    Data data("roc");
    data.add(0, 0);
    for (const model::CurvePoint& point : ranking.curve) {
        data.add(point.predicted.negatives / ranking.all.negatives,
                 point.predicted.positives / ranking.all.positives);
    }
    return setting(fmt::format("ROC curve: AUC {}", number_text(ranking.roc_auc)),
                   "False positive rate", "True positive rate (recall)", "bottom right") +
           data.text() +
           fmt::format("plot {}, \\\n     $roc using 1:2 {} title 'model'\n",
                       reference_line("x", "chance"), with_line(blue));
}

std::string precision_recall_script(const RankMetrics& ranking) {
    Data data("curve");
    for (const model::CurvePoint& point : ranking.curve) {
        data.add(point.predicted.positives / ranking.all.positives,
                 point.predicted.positives / point.predicted.both());
    }
    const double chance = ranking.all.positives / ranking.all.both();
    return setting(fmt::format("Precision and recall: average precision {}",
                               number_text(ranking.average_precision)),
                   "Recall", "Precision", chance < 0.5 ? "top right" : "bottom left") +
           data.text() +
           fmt::format("plot {}, \\\n     $curve using 1:2 {} title 'model'\n",
                       reference_line(fmt::format("{}", chance), "chance"), with_line(blue));
}

std::string calibration_script(const RankMetrics& ranking) {
    const auto data_of = [](std::string_view name, const std::vector<model::CalibrationBin>& bins) {
        Data data(name);
        for (const model::CalibrationBin& bin : bins) {
            data.add(bin.mean_probability, bin.positive_rate);
        }
        return data.text();
    };
    const auto with_points = [](std::string_view colour, int shape) {
        return fmt::format(
            "with linespoints linecolor rgb '{}' linewidth 1.5 pointtype {} "
            "pointsize 1.8",
            colour, shape);
    };
    return setting(fmt::format("Calibration: expected error {}",
                               number_text(ranking.expected_calibration_error)),
                   "Mean predicted probability of a bin", "Share of positives in the bin",
                   "top left") +
           data_of("width", ranking.equal_width) + data_of("weight", ranking.equal_weight) +
           fmt::format(
               "plot {}, \\\n     $width using 1:2 {} title 'bins of equal width', \\\n"
               "     $weight using 1:2 {} title 'bins of equal weight'\n",
               reference_line("x", "as predicted"), with_points(blue, 7), with_points(orange, 5));
}

std::string lift_script(const RankMetrics& ranking) {
    Data data("gains");
    data.add(0, 0);
    for (const Gain& gain : ranking.gains) {
        data.add(gain.rows, gain.positives);
    }
    const double first_lift = ranking.gains.empty() ? std::nan("") : ranking.gains.front().lift;
    return setting(fmt::format(
                       "Cumulative gains: lift {} in the first tenth",
                       std::isnan(first_lift) ? "undefined" : fmt::format("{:.2f}", first_lift)),
                   "Share of rows, highest scores first", "Share of positives among them",
                   "bottom right") +
           data.text() +
           fmt::format(
               "plot {}, \\\n     $gains using 1:2 with linespoints linecolor rgb '{}' "
               "linewidth 2 pointtype 7 pointsize 1.5 title 'model'\n",
               reference_line("x", "chance"), blue);
}

}  // namespace

std::vector<TextFile> plot_scripts(const Scores& scores) {
    const RankMetrics& ranking = scores.ranking;
    return {{"roc.gnuplot", roc_script(ranking)},
            {"precision_recall.gnuplot", precision_recall_script(ranking)},
            {"calibration.gnuplot", calibration_script(ranking)},
            {"lift.gnuplot", lift_script(ranking)}};
}

}  // namespace paralogit::train
