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
    /// Equations that every row obeys, in words.
    std::vector<std::string> collinear;
    /// Whether one of them says that all texts of a column, of which `convert` has made a feature
    /// each, add up to 1.
    bool has_all_texts_of_a_column = false;
    /// Features whose curvature has vanished though no such equation says so.
    std::vector<std::string> vanished;
    /// Why a parameter of `statistics` has no statistics of its own; empty where it has.
    std::vector<std::string> remarks;
    bool has_no_finite_optimum = false;  ///< for the parameters that are marked so
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
        std::string remark;
    };
    std::vector<Row> rows() const;

    /// Whether the estimates are those of the optimum, as near as a reader of the table could tell.
    bool is_at_optimum() const {
        return !has_no_finite_optimum && statistics.distance_to_optimum < 1e-3;
    }

    /// Takes the statistics of parameters that separation sends to infinity, by their numbers, or
    /// as far as a penalty that is next to nothing lets it.
    void withhold_unbounded(const std::vector<Index>& parameters, bool is_held_by_little);
    /// What a user should know of the data, a sentence each.
    std::vector<std::string> findings() const;
};

/// One object; numbers that are undefined become null.
std::string inference_json(const InferenceReport& report);

/// A line for each parameter under a line of names; numbers that are undefined become nan.
std::string inference_csv(const InferenceReport& report);

/// What is told of more features than rows.
std::string few_rows_text(Index features, Index rows);

/// "c = 2 a - b + 1": what a feature is made of, in words.
std::string alias_text(const InferenceReport& report, const model::Alias& alias);

/// Whether it is "t=c = 1 - t=a - t=b": by their names all are texts of one column.
bool adds_up_texts_of_a_column(const InferenceReport& report, const model::Alias& alias);

/// How to leave one of them out.
std::string advice_on_texts();

}  // namespace paralogit::train
