#pragma once

#include <string>
#include <vector>

#include "paralogit/model/inference.hpp"

namespace paralogit::train {

/// The statistics of a model with what its parameters are called.
struct InferenceReport {
    model::Inference statistics;
    /// By the numbers of features in the files; the statistics are those of `features`, then that
    /// of the intercept, if there is one.
    std::vector<Index> features;
    std::vector<std::string> names;  ///< of all features; empty without names
    Index all_features = 0;
    double l2 = 0;
    bool has_class_weights = false;
    std::string stop_reason;
    std::string model_sha256;
    std::string data_fingerprint;
    std::string version;

    /// "(intercept)" for -1.
    std::string name_of(Index feature) const;
    /// The intercept first, as R has it, then all features of the files. What has no statistics
    /// gets NaN.
    struct Row {
        std::string name;
        Index feature;  ///< -1 for the intercept
        model::ParameterStatistics statistics;
    };
    std::vector<Row> rows() const;

    /// Whether the estimates are those of the optimum, as near as a reader of the table could tell.
    bool is_at_optimum() const { return statistics.distance_to_optimum < 1e-3; }
};

/// One object; numbers that are undefined become null.
std::string inference_json(const InferenceReport& report);

/// A line for each parameter under a line of names; numbers that are undefined become nan.
std::string inference_csv(const InferenceReport& report);

/// "c = 2 a - b + 1": what a feature is made of, in words.
std::string alias_text(const InferenceReport& report, const model::Alias& alias);

}  // namespace paralogit::train
