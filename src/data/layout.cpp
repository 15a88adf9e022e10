#include "layout.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "foreign.hpp"
#include "paralogit/base/command_text.hpp"
#include "sparse_layout.hpp"
#include "text.hpp"

namespace paralogit::data {

namespace {

using h5::DatasetInfo;

std::string parent_of(const std::string& path) {
    const std::size_t slash = path.find_last_of('/');
    return slash == 0 ? "/" : path.substr(0, slash);
}

/// A sparse group as something to choose.
DatasetInfo describe_sparse(const Contents& contents, const std::string& group) {
    DatasetInfo info = *find_dataset(contents.listing, path_of_values(group));
    info.path = group;
    info.type_text = "sparse rows of " + info.type_text;
    info.chunk.clear();
    try {
        info.shape = told_shape(contents, group);
    } catch (const Error&) {
        info.shape.clear();  // its own message comes when it is chosen
    }
    return info;
}

std::vector<std::string> sparse_groups_of(const h5::Listing& listing) {
    constexpr std::string_view row_starts = "/indptr";
    std::vector<std::string> groups;
    for (const DatasetInfo& info : listing.datasets) {
        if (!info.path.ends_with(row_starts)) {
            continue;
        }
        const std::string group = info.path.substr(0, info.path.size() - row_starts.size());
        if (find_dataset(listing, group + "/indices") != nullptr &&
            find_dataset(listing, group + "/data") != nullptr) {
            groups.push_back(group.empty() ? "/" : group);
        }
    }
    return groups;
}

/// How to write a dataset again with the rows as its first dimension.
std::string rows_first_text(const DatasetInfo& info, Index dimension) {
    return fmt::format(
        "write it with the rows as its first dimension, in h5py: X = numpy.moveaxis(f[{0}][()], "
        "{1}, 0); del f[{0}]; f[{0}] = X",
        python_text(info.path), dimension);
}

}  // namespace

std::string table_of_genes(const Contents& contents, const std::string& features_path) {
    // What is no whole AnnData, without obs, may still have its table of features.
    if (!contents.is_anndata && index_of_table(contents.file, "/var").empty()) {
        return "";
    }
    if (features_path == "/X" || features_path.starts_with("/layers/")) {
        return "/var";
    }
    if (features_path == "/raw/X") {
        return "/raw/var";
    }
    return features_path == "/raw.X" ? "/raw.var" : "";
}

bool is_of_anndata(const Contents& contents, const std::string& features_path) {
    return contents.is_anndata && !table_of_genes(contents, features_path).empty();
}

bool is_of_loom(const Contents& contents, const std::string& features_path) {
    const auto has = [&](const char* group) {
        return std::ranges::find(contents.listing.groups, group) != contents.listing.groups.end();
    };
    return (features_path == "/matrix" || features_path.starts_with("/layers/")) &&
           has("/row_attrs") && has("/col_attrs");
}

const DatasetInfo* find_dataset(const h5::Listing& listing, const std::string& path) {
    const auto found = std::find_if(listing.datasets.begin(), listing.datasets.end(),
                                    [&](const DatasetInfo& info) { return info.path == path; });
    return found == listing.datasets.end() ? nullptr : &*found;
}

Contents::Contents(const h5::File& open_file)
    : file(open_file),
      listing(open_file.list()),
      sparse_groups(sparse_groups_of(listing)),
      sparse_of_matlab(sparse_matrices_of_matlab(file, listing)) {
    columns = find_columns(file, listing);
    std::set<std::string> taken;
    for (const Column& column : columns) {
        taken.insert({column.values_path, column.categories_path, column.mask_path});
    }
    const auto has = [&](const std::string& path) {
        return std::ranges::find(listing.groups, path) != listing.groups.end() ||
               find_dataset(listing, path) != nullptr;
    };
    is_anndata = has("/X") && has("/obs") && has("/var");
    if (!listing.is_complete) {
        // The tables may lie beyond the limit of the listing.
        is_anndata = (file.has("/X") || file.has(path_of_values("/X"))) &&
                     !index_of_table(file, "/obs").empty() && !index_of_table(file, "/var").empty();
    }
    const std::string names_of_rows = is_anndata ? index_of_table(file, "/obs") : "";
    taken.insert(names_of_rows);
    for (const DatasetInfo& info : listing.datasets) {
        if (!is_in_sparse_group(info.path) && !taken.contains(info.path) &&
            machinery_around(info.path).empty()) {
            candidates.push_back(info);
            if (auto shape = shape_of_matlabs_empty(file, info)) {
                candidates.back().shape = *std::move(shape);
                candidates.back().type_text = "empty in MATLAB";
            }
        }
    }
    candidates.insert(candidates.end(), sparse_of_matlab.begin(), sparse_of_matlab.end());
    for (const std::string& group : sparse_groups) {
        candidates.push_back(describe_sparse(*this, group));
    }
    for (const Column& column : columns) {
        if (column.info.path != names_of_rows) {
            candidates.push_back(column.info);
        }
    }
}

bool Contents::is_sparse_group(const std::string& path) const {
    return std::ranges::find(sparse_groups, path) != sparse_groups.end();
}

bool Contents::is_sparse_of_matlab(const std::string& path) const {
    return std::ranges::find(sparse_of_matlab, path, &DatasetInfo::path) != sparse_of_matlab.end();
}

bool Contents::is_in_sparse_group(const std::string& path) const {
    if (is_sparse_of_matlab(parent_of(path))) {
        return true;
    }
    // Where the matrix is the whole file, labels and the like lie beside its parts.
    constexpr std::array<std::string_view, 6> parts{"/data",  "/indices", "/indptr",
                                                    "/shape", "/format",  "/_is_array"};
    if (parent_of(path) == "/" && std::ranges::find(parts, path) == parts.end()) {
        return false;
    }
    return std::ranges::find(sparse_groups, parent_of(path)) != sparse_groups.end();
}

bool Contents::is_searched(const std::string& path) const {
    return !is_anndata || path.find('/', 1) == std::string::npos || path.starts_with("/obs/");
}

void Contents::fail(const std::string& text) const {
    throw Error(ExitCode::input_data, file.path().string() + text);
}

bool is_empty_vector(const DatasetInfo& info) {
    return info.shape == std::vector<Index>{0};
}

std::string shape_text(const std::vector<Index>& shape) {
    return shape.empty() ? "scalar" : fmt::format("{}", fmt::join(shape, " x "));
}

std::string summary(const DatasetInfo& info) {
    // The shape of a sparse matrix may not be told.
    const bool has_shape = !info.shape.empty() || !info.type_text.starts_with("sparse");
    return fmt::format("{} ({}{})", printable(info.path),
                       has_shape ? shape_text(info.shape) + ", " : "", info.type_text);
}

std::optional<Index> vector_length(const DatasetInfo& info) {
    const auto is_long = [](Index entries) { return entries != 1; };
    if (info.shape.empty() || std::ranges::count_if(info.shape, is_long) > 1) {
        return std::nullopt;
    }
    const auto axis = std::ranges::find_if(info.shape, is_long);
    return axis == info.shape.end() ? 1 : *axis;
}

void keep_those_with_rows(std::vector<const DatasetInfo*>& datasets) {
    const auto has_rows = [](const DatasetInfo* info) {
        return info->shape.empty() || info->rows() > 0;
    };
    if (std::ranges::any_of(datasets, has_rows)) {
        std::erase_if(datasets, [&](const DatasetInfo* info) { return !has_rows(info); });
    }
}

std::string list_text(const std::vector<const DatasetInfo*>& datasets) {
    constexpr std::size_t limit = 20;
    std::vector<std::string> words;
    for (const DatasetInfo* info : datasets) {
        if (words.size() == limit) {
            words.push_back(fmt::format("and {} more", datasets.size() - limit));
            break;
        }
        words.push_back(summary(*info));
    }
    return fmt::format("{}", fmt::join(words, ", "));
}

std::string found_text(const Contents& contents) {
    std::vector<const DatasetInfo*> candidates;
    for (const DatasetInfo& info : contents.candidates) {
        candidates.push_back(&info);
    }
    keep_those_with_rows(candidates);
    std::string text =
        "the file holds " + (candidates.empty() ? "no dataset" : list_text(candidates));
    for (const h5::SkippedLink& link : contents.listing.skipped) {
        text += fmt::format(", {} (not followed: {})", printable(link.path), link.reason);
    }
    return text;
}

FeatureShape feature_shape(const Contents& contents, const DatasetInfo& info,
                           const SourceOptions& options) {
    if (options.is_transposed && is_of_anndata(contents, info.path)) {
        contents.fail(fmt::format(
            ":{} is AnnData's, which is always cells x genes: leave out --transposed", info.path));
    }
    if (contents.is_sparse_group(info.path)) {
        return sparse_shape(contents, info.path, options);
    }
    if (is_empty_vector(info)) {
        return {};
    }
    const bool is_transposed = options.is_transposed;
    FeatureShape shape;
    if (is_transposed) {
        if (info.shape.size() != 2) {
            contents.fail(
                fmt::format(":{} has the shape {}; with --transposed it must be a matrix "
                            "of features x rows; leave that out and {}",
                            info.path, shape_text(info.shape),
                            rows_first_text(info, std::ssize(info.shape) - 1)));
        }
        shape.rows = info.shape[1];
        shape.features = info.shape[0];
    } else {
        shape.rows = info.rows();
        shape.features = info.values_per_row();
    }
    if (!info.chunk.empty()) {
        shape.rows_per_chunk = is_transposed ? info.chunk.at(1) : info.chunk.at(0);
    }
    if (shape.features == 0) {
        contents.fail(fmt::format(":{} has the shape {}, and so no features", info.path,
                                  shape_text(info.shape)));
    }
    return shape;
}

void check_length(const Contents& contents, const DatasetInfo& vector, const DatasetInfo& features,
                  Index rows, bool is_transposed) {
    const Index length = vector_length(vector).value_or(0);
    if (length == rows) {
        return;
    }
    const std::size_t other_dimension = is_transposed ? 0 : 1;
    std::string advice = "there must be one for each row";
    if (features.shape.size() == 2 && features.shape[other_dimension] == length) {
        advice = is_transposed
                     ? "the features are stored as rows x features: leave out --transposed"
                     : "the features are stored as features x rows: use --transposed";
    } else if (features.shape.size() > 2) {
        const auto of_rows = std::find(features.shape.begin() + 1, features.shape.end(), length);
        if (of_rows != features.shape.end()) {
            advice = rows_first_text(features, of_rows - features.shape.begin());
        }
    }
    contents.fail(fmt::format(":{} has {} values, but {} ({}) has {} rows; {}", vector.path, length,
                              features.path, shape_text(features.shape), rows, advice));
}

}  // namespace paralogit::data
