#pragma once

#include <optional>
#include <string>
#include <vector>

#include "paralogit/data/manifest.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::data {

/// The content of an open file, for the search and for its messages.
struct Contents {
    explicit Contents(const h5::File& open_file);

    const h5::File& file;
    h5::Listing listing;
    /// Groups that hold a matrix in compressed sparse rows: `data`, `indices` and `indptr`.
    std::vector<std::string> sparse_groups;
};

/// A dataset and why it was taken.
struct Choice {
    h5::DatasetInfo info;
    std::string reason;  ///< for people: "named x or the like"
};

/// Rows and features of a dataset in the orientation of the options.
struct FeatureShape {
    Index rows = 0;
    Index features = 0;
    Index rows_per_chunk = 0;  ///< 0 when it is not chunked
};

/// "100 x 4"
std::string shape_text(const std::vector<Index>& shape);

/// "/X (100 x 4, float64)"
std::string summary(const h5::DatasetInfo& info);

/// How many entries a dataset has when it is one long vector: [n], [n, 1] or [1, n].
std::optional<Index> vector_length(const h5::DatasetInfo& info);

/// The one dataset that is named by the user, or by habit. Throws Error (input_data) that lists what
/// was found when there is none or more than one, or when its type or rank is of no use.
Choice choose_features(const Contents& contents, const SourceOptions& options);
/// `rows`, where they are known, only narrow down what the message lists.
Choice choose_labels(const Contents& contents, const SourceOptions& options,
                     std::optional<Index> rows);
Choice choose_weights(const Contents& contents, const std::string& name);

/// Throws Error (input_data) for a transposed dataset that is not a matrix and when there are no
/// features.
FeatureShape feature_shape(const Contents& contents, const h5::DatasetInfo& info,
                           bool is_transposed);

/// Throws Error (input_data) unless a vector has one value per row; the text has a hint when the
/// other orientation of the features would fit.
void check_length(const Contents& contents, const h5::DatasetInfo& vector,
                  const h5::DatasetInfo& features, Index rows, bool is_transposed);

/// The dataset of one text per feature with a usual name, if there is one.
std::optional<h5::DatasetInfo> find_feature_names(const h5::Listing& listing, Index features);

/// A dataset of one number per row with a usual name of row weights, if there is one.
std::optional<h5::DatasetInfo> find_unused_weights(const h5::Listing& listing, Index rows);

}  // namespace paralogit::data
