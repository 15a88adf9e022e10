#include "orientation.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "belonging.hpp"
#include "paralogit/base/command_text.hpp"
#include "text.hpp"
#include "usual_names.hpp"

namespace paralogit::data {

namespace {

/// A frame of one type, as pandas stores its values.
bool is_block_of_pandas(const std::string& path) {
    const std::string name = last_component(path);
    return name.starts_with("block") && name.ends_with("_values");
}

}  // namespace

Orientation orientation_of(const Contents& contents, const h5::DatasetInfo& features,
                           const FeatureShape& shape) {
    const std::string& path = features.path;
    Orientation result;
    result.is_square = features.shape.size() == 2 && shape.features > 1 &&
                       shape.rows == shape.features && !contents.is_sparse_group(path);
    if (!result.is_square) {
        return result;
    }
    result.is_told_by_row =
        is_of_anndata(contents, path) || is_block_of_pandas(path) ||
        contents.file.text_attribute_of("/", "generator").value_or("").starts_with("paralogit ");
    if (contents.file.text_attribute_of(path, "MATLAB_class")) {
        result.by_column =
            "was written by MATLAB, which stores the transpose of what it shows: use --transposed "
            "if rows are rows in MATLAB; if they are columns there, save the transpose and use "
            "--transposed";
    } else if (is_of_loom(contents, path)) {
        result.by_column = "loom stores genes x cells: use --transposed";
    }
    return result;
}

std::string check_orientation(const Orientation& orientation, const std::string& file,
                              const std::string& features_path, const SourceOptions& options) {
    // Of validation rows the files that are trained on tell.
    if (!orientation.is_square || orientation.is_told_by_row || options.is_transposed ||
        options.use == SourceOptions::Use::validation) {
        return "";
    }
    const std::string place = fmt::format("{}:{}", file, printable(features_path));
    if (options.known_features) {
        return options.known_features->is_transposed
                   ? fmt::format(
                         "{} is square, and {} was trained with --transposed: if it is stored as "
                         "features x rows too, use --transposed",
                         place, options.known_features->model)
                   : "";
    }
    if (!orientation.by_column.empty()) {
        throw Error(ExitCode::input_data,
                    fmt::format("{} is square, and {}", place, orientation.by_column));
    }
    return fmt::format(
        "{} is square, and nothing tells whether it is stored as rows x features, as which it is "
        "taken, or as features x rows, as MATLAB, R and Julia do: then use --transposed",
        place);
}

std::string note_of_other_features(const Contents& contents, const std::string& taken,
                                   const SourceOptions& options) {
    if (!options.known_features || options.features_name) {
        return "";
    }
    const std::string& path = options.known_features->path;
    const bool is_there = std::ranges::find(contents.candidates, path, &h5::DatasetInfo::path) !=
                          contents.candidates.end();
    return path == taken || !is_there
               ? ""
               : fmt::format(
                     "{}: {} is taken, but {} was trained on {}, which this file has too; to take "
                     "that use {}",
                     contents.file.path().string(), printable(taken), options.known_features->model,
                     printable(path), option_text("features-name", path));
}

}  // namespace paralogit::data
