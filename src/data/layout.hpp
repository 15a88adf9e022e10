#pragma once

#include <optional>
#include <string>
#include <vector>

#include "column.hpp"
#include "paralogit/data/manifest.hpp"
#include "paralogit/h5/file.hpp"

namespace paralogit::data {

/// The content of an open file, for the search and for its messages.
struct Contents {
    explicit Contents(const h5::File& open_file);

    bool is_in_sparse_group(const std::string& path) const;
    bool is_sparse_group(const std::string& path) const;
    bool is_sparse_of_matlab(const std::string& path) const;
    /// Of AnnData only the matrix /X and the table /obs are about the rows that are to be trained
    /// on, beside what others added at the root.
    bool is_searched(const std::string& path) const;
    /// Throws Error (input_data) with the name of the file before the text.
    [[noreturn]] void fail(const std::string& text) const;

    const h5::File& file;
    h5::Listing listing;
    /// Groups that hold a matrix in compressed sparse rows: `data`, `indices` and `indptr`.
    std::vector<std::string> sparse_groups;
    /// Those of MATLAB, which lie by column.
    std::vector<h5::DatasetInfo> sparse_of_matlab;
    /// What can be chosen: datasets, but for the machinery of other programs; sparse groups, with
    /// the type of their values and, where the file tells it, the shape of the matrix; and columns.
    std::vector<h5::DatasetInfo> candidates;
    std::vector<Column> columns;
    /// Whether it is AnnData: a matrix /X and the tables /obs and /var.
    bool is_anndata = false;
};

/// The table of AnnData that names the columns of a matrix; empty when it is none of AnnData's.
std::string table_of_genes(const Contents& contents, const std::string& features_path);

/// Whether it is a matrix of cells x genes of AnnData.
bool is_of_anndata(const Contents& contents, const std::string& features_path);

/// Whether it is a matrix of genes x cells of loom.
bool is_of_loom(const Contents& contents, const std::string& features_path);

/// The dataset with this absolute path; null when there is none.
const h5::DatasetInfo* find_dataset(const h5::Listing& listing, const std::string& path);

/// Rows and features of a dataset in the orientation of the options.
struct FeatureShape {
    Index rows = 0;
    Index features = 0;
    Index rows_per_chunk = 0;   ///< 0 when it is not chunked
    Index entries = 0;          ///< of sparse rows
    bool is_order_told = true;  ///< whether sparse entries lie by row or by column
};

/// Whether it has no values at all, such as an empty list that was written.
bool is_empty_vector(const h5::DatasetInfo& info);

/// "100 x 4"
std::string shape_text(const std::vector<Index>& shape);

/// "/X (100 x 4, float64)"
std::string summary(const h5::DatasetInfo& info);

/// Leaves out what has no rows, unless nothing has any.
void keep_those_with_rows(std::vector<const h5::DatasetInfo*>& datasets);

/// "/X (100 x 4, float64), /y (100, uint8)", to a limit.
std::string list_text(const std::vector<const h5::DatasetInfo*>& datasets);

/// "the file holds ...", for the user to choose from.
std::string found_text(const Contents& contents);

/// How many entries a dataset has when it is one long vector: [n], [n, 1], [1, n], [n, 1, 1], ...
std::optional<Index> vector_length(const h5::DatasetInfo& info);

/// Of a dataset or a sparse group. Throws Error (input_data) for a transposed dataset that is not a
/// matrix, for sparse rows that do not go together, and when there are no features.
FeatureShape feature_shape(const Contents& contents, const h5::DatasetInfo& info,
                           const SourceOptions& options);

/// Throws Error (input_data) unless a vector has one value per row; the text has a hint when
/// another orientation of the features would fit.
void check_length(const Contents& contents, const h5::DatasetInfo& vector,
                  const h5::DatasetInfo& features, Index rows, bool is_transposed);

}  // namespace paralogit::data
