#pragma once

#include <string>
#include <vector>

#include "paralogit/train/evaluate.hpp"

namespace paralogit::train {

/// "value", "f1", "youden" or "precision=0.9".
std::string text_of(const ThresholdRule& rule);

/// The content of metrics.json: one object, its names sorted, what is undefined null, numbers that
/// read back to the same bits. Nothing in it depends on ranks, threads, files or times.
std::string metrics_json(const Scores& scores, const ThresholdRule& rule);

struct TextFile {
    std::string name;
    std::string content;
};

/// The curves, each with a line of names: roc.csv and precision_recall.csv (a row for each score,
/// or for at most most_curve_points of them; what has at least that score is predicted positive),
/// calibration.csv, lift.csv.
std::vector<TextFile> curve_files(const Scores& scores);

/// Pictures of the same, as scripts for gnuplot that write a PNG to stdout: roc.gnuplot, ...
std::vector<TextFile> plot_scripts(const Scores& scores);

}  // namespace paralogit::train
