#include "layout.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <span>
#include <string_view>

#include "text.hpp"

namespace paralogit::data {

namespace {

using h5::DatasetInfo;
using h5::ValueKind;

// Last components of the paths that people use, in lower case. "classes" is not among the labels:
// where it occurs it mostly lists the names of the classes.
constexpr std::array<std::string_view, 10> names_of_features{
    "x",       "data",    "features", "train_set_x", "x_train",
    "train_x", "inputs", "images",   "design_matrix", "feature_matrix"};
constexpr std::array<std::string_view, 9> names_of_labels{
    "y", "label", "labels", "target", "targets", "train_set_y", "y_train", "train_y", "class"};
constexpr std::array<std::string_view, 5> names_of_feature_names{
    "feature_names", "features_names", "column_names", "columns", "names"};
constexpr std::array<std::string_view, 6> names_of_weights{
    "sample_weight", "sample_weights", "row_weight", "row_weights", "weight", "weights"};

std::string last_component(const std::string& path) {
    std::string name = path.substr(path.find_last_of('/') + 1);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return name;
}

bool is_among(std::span<const std::string_view> names, const std::string& path) {
    return std::find(names.begin(), names.end(), last_component(path)) != names.end();
}

std::string parent_of(const std::string& path) {
    const std::size_t slash = path.find_last_of('/');
    return slash == 0 ? "/" : path.substr(0, slash);
}

const DatasetInfo* find(const h5::Listing& listing, const std::string& path) {
    const auto found = std::find_if(listing.datasets.begin(), listing.datasets.end(),
                                    [&](const DatasetInfo& info) { return info.path == path; });
    return found == listing.datasets.end() ? nullptr : &*found;
}

bool contains(const std::vector<std::string>& paths, const std::string& path) {
    return std::find(paths.begin(), paths.end(), path) != paths.end();
}

bool is_in_sparse_group(const Contents& contents, const std::string& path) {
    return contains(contents.sparse_groups, parent_of(path));
}

std::vector<std::string> sparse_groups_of(const h5::Listing& listing) {
    constexpr std::string_view row_starts = "/indptr";
    std::vector<std::string> groups;
    for (const DatasetInfo& info : listing.datasets) {
        if (!info.path.ends_with(row_starts)) {
            continue;
        }
        const std::string group = info.path.substr(0, info.path.size() - row_starts.size());
        if (find(listing, group + "/indices") != nullptr &&
            find(listing, group + "/data") != nullptr) {
            groups.push_back(group.empty() ? "/" : group);
        }
    }
    return groups;
}

[[noreturn]] void fail(const Contents& contents, const std::string& text) {
    throw Error(ExitCode::input_data, contents.file.path().string() + text);
}

/// "/X (100 x 4, float64), /y (100, uint8)", to a limit.
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

/// What the file holds, for the user to choose from.
std::string found_text(const Contents& contents) {
    std::vector<const DatasetInfo*> dense;
    for (const DatasetInfo& info : contents.listing.datasets) {
        if (!is_in_sparse_group(contents, info.path)) {
            dense.push_back(&info);
        }
    }
    std::string text = "the file holds " + (dense.empty() ? "no dense dataset" : list_text(dense));
    for (const std::string& group : contents.sparse_groups) {
        text += fmt::format(", {} (sparse: not supported by this version)", printable(group));
    }
    return text;
}

/// What is wanted, and what to call it and its option in messages.
struct Wanted {
    std::string what;
    std::string option;
    std::span<const std::string_view> habit;
    /// Why a dataset cannot serve; empty when it can.
    std::string (*objection)(const DatasetInfo&);
    /// When known, what is wanted has one value for each.
    std::optional<Index> rows = std::nullopt;
};

std::string objection_to_features(const DatasetInfo& info) {
    if (info.kind == ValueKind::string || info.kind == ValueKind::enumeration) {
        return fmt::format("holds {}, and features must be numbers; encode them as numbers first",
                           info.type_text);
    }
    if (!info.element_type) {
        return fmt::format(
            "holds values of type {}, and features must be numbers; write the numbers into a "
            "dataset of rows x features",
            info.type_text);
    }
    if (info.shape.size() < 2) {
        return fmt::format(
            "has the shape {}, and features need rows x features; for one feature reshape it to "
            "n x 1",
            shape_text(info.shape));
    }
    return {};
}

std::string objection_to_labels(const DatasetInfo& info) {
    if (info.kind == ValueKind::other) {
        return fmt::format(
            "holds values of type {}, and labels must be numbers, booleans, an enumeration or "
            "texts; write them into a dataset of their own",
            info.type_text);
    }
    if (!vector_length(info)) {
        return fmt::format("has the shape {}, and labels need one value per row: n, n x 1 or 1 x n",
                           shape_text(info.shape));
    }
    return {};
}

std::string objection_to_weights(const DatasetInfo& info) {
    if (!info.element_type || info.kind == ValueKind::enumeration) {
        return fmt::format("holds {}, and row weights must be numbers", info.type_text);
    }
    if (!vector_length(info)) {
        return fmt::format(
            "has the shape {}, and row weights need one value per row: n, n x 1 or 1 x n",
            shape_text(info.shape));
    }
    return {};
}

const Wanted wanted_features{.what = "features",
                             .option = "--features-name",
                             .habit = names_of_features,
                             .objection = objection_to_features};
const Wanted wanted_labels{.what = "labels",
                           .option = "--labels-name",
                           .habit = names_of_labels,
                           .objection = objection_to_labels};
const Wanted wanted_weights{.what = "row weights",
                            .option = "--weights-name",
                            .habit = names_of_weights,
                            .objection = objection_to_weights};

Choice choose_named(const Contents& contents, const Wanted& wanted, const std::string& name) {
    const h5::Listing& listing = contents.listing;
    const std::string path = name.starts_with('/') ? name : "/" + name;
    if (contains(contents.sparse_groups, path)) {
        fail(contents, fmt::format(":{}: {} {} is a sparse matrix (CSR group): not supported by "
                                   "this version; write it as a dense dataset",
                                   path, wanted.option, name));
    }
    const DatasetInfo* const listed = find(listing, path);
    if (listed == nullptr) {
        const bool is_group = contains(listing.groups, path);
        const bool is_skipped =
            std::any_of(listing.skipped.begin(), listing.skipped.end(), [&](const auto& link) {
                return path == link.path || path.starts_with(link.path + "/");
            });
        // A path through a skipped link, or beyond the limit of the listing, has a better message
        // of its own, or is fine.
        if (!is_group && (is_skipped || !listing.is_complete)) {
            Choice choice{.info = contents.file.describe(path), .reason = wanted.option};
            if (const std::string objection = wanted.objection(choice.info); !objection.empty()) {
                fail(contents, fmt::format(":{} {}", choice.info.path, objection));
            }
            return choice;
        }
        fail(contents, fmt::format(": {} {}: {}; {}", wanted.option, name,
                                   is_group ? "this is a group, not a dataset"
                                            : "there is no such dataset",
                                   found_text(contents)));
    }
    if (const std::string objection = wanted.objection(*listed); !objection.empty()) {
        fail(contents, fmt::format(":{} {}", listed->path, objection));
    }
    return {.info = *listed, .reason = "named by " + wanted.option};
}

[[noreturn]] void fail_without_match(const Contents& contents, const Wanted& wanted,
                                     const std::vector<const DatasetInfo*>& unfit) {
    // A dataset with the right name and the wrong content is most likely what was meant.
    if (unfit.size() == 1) {
        fail(contents, fmt::format(":{} {}; or name another dataset with {}", unfit.front()->path,
                                   wanted.objection(*unfit.front()), wanted.option));
    }
    if (wanted.option == wanted_features.option) {
        for (const std::string& group : contents.sparse_groups) {
            if (is_among(wanted.habit, group)) {
                fail(contents, fmt::format(":{} is a sparse matrix (CSR group): not supported by "
                                           "this version; write it as a dense dataset",
                                           group));
            }
        }
    }
    std::vector<const DatasetInfo*> candidates;
    for (const DatasetInfo& info : contents.listing.datasets) {
        if (wanted.objection(info).empty() && !is_in_sparse_group(contents, info.path) &&
            (!wanted.rows || vector_length(info) == wanted.rows)) {
            candidates.push_back(&info);
        }
    }
    // An example for the option: the widest rows, for features are wider than labels.
    const auto example = std::max_element(
        candidates.begin(), candidates.end(), [](const DatasetInfo* a, const DatasetInfo* b) {
            return a->shape.back() < b->shape.back();
        });
    const std::string found =
        wanted.rows && !candidates.empty()
            ? fmt::format("of one value per row the file holds {}", list_text(candidates))
            : found_text(contents);
    fail(contents, fmt::format(": no dataset has a usual name of {} ({}, ...); {}; name it: {} {}",
                               wanted.what, fmt::join(wanted.habit.first(5), ", "), found,
                               wanted.option,
                               example == candidates.end() ? "NAME" : printable((*example)->path)));
}

Choice choose_by_habit(const Contents& contents, const Wanted& wanted) {
    const h5::Listing& listing = contents.listing;
    if (!listing.is_complete) {
        fail(contents, fmt::format(": the file has too many objects to search for {}; name the "
                                   "dataset with {}",
                                   wanted.what, wanted.option));
    }
    std::vector<const DatasetInfo*> fit;
    std::vector<const DatasetInfo*> unfit;
    for (const DatasetInfo& info : listing.datasets) {
        if (is_among(wanted.habit, info.path) && !is_in_sparse_group(contents, info.path)) {
            (wanted.objection(info).empty() ? fit : unfit).push_back(&info);
        }
    }
    if (fit.size() > 1) {
        fail(contents, fmt::format(": {} datasets could be the {}: {}; name one: {} {}", fit.size(),
                                   wanted.what, list_text(fit), wanted.option,
                                   printable(fit.front()->path)));
    }
    if (fit.empty()) {
        fail_without_match(contents, wanted, unfit);
    }
    return {.info = *fit.front(),
            .reason = fmt::format("the only dataset with a usual name of {}", wanted.what)};
}

Choice choose(const Contents& contents, const Wanted& wanted,
              const std::optional<std::string>& name) {
    return name ? choose_named(contents, wanted, *name) : choose_by_habit(contents, wanted);
}

}  // namespace

Contents::Contents(const h5::File& open_file)
    : file(open_file), listing(open_file.list()), sparse_groups(sparse_groups_of(listing)) {}

std::string shape_text(const std::vector<Index>& shape) {
    return shape.empty() ? "scalar" : fmt::format("{}", fmt::join(shape, " x "));
}

std::string summary(const DatasetInfo& info) {
    return fmt::format("{} ({}, {})", printable(info.path), shape_text(info.shape),
                       info.type_text);
}

std::optional<Index> vector_length(const DatasetInfo& info) {
    if (info.shape.size() == 1) {
        return info.shape[0];
    }
    if (info.shape.size() == 2 && (info.shape[0] == 1 || info.shape[1] == 1)) {
        return info.shape[0] == 1 ? info.shape[1] : info.shape[0];
    }
    return std::nullopt;
}

Choice choose_features(const Contents& contents, const SourceOptions& options) {
    return choose(contents, wanted_features, options.features_name);
}

Choice choose_labels(const Contents& contents, const SourceOptions& options,
                     std::optional<Index> rows) {
    Wanted wanted = wanted_labels;
    wanted.rows = rows;
    return choose(contents, wanted, options.labels_name);
}

Choice choose_weights(const Contents& contents, const std::string& name) {
    return choose(contents, wanted_weights, name);
}

FeatureShape feature_shape(const Contents& contents, const DatasetInfo& info,
                           bool is_transposed) {
    FeatureShape shape;
    if (is_transposed) {
        if (info.shape.size() != 2) {
            fail(contents, fmt::format(":{} has the shape {}; with --transposed it must be a matrix "
                                       "of features x rows",
                                       info.path, shape_text(info.shape)));
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
        fail(contents, fmt::format(":{} has the shape {}, and so no features", info.path,
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
        advice = is_transposed ? "the features are stored as rows x features: leave out --transposed"
                               : "the features are stored as features x rows: use --transposed";
    }
    fail(contents, fmt::format(":{} has {} values, but {} ({}) has {} rows; {}", vector.path, length,
                               features.path, shape_text(features.shape), rows, advice));
}

std::optional<DatasetInfo> find_feature_names(const h5::Listing& listing, Index features) {
    for (const std::string_view name : names_of_feature_names) {
        for (const DatasetInfo& info : listing.datasets) {
            if (info.kind == ValueKind::string && info.problem.empty() &&
                last_component(info.path) == name && vector_length(info) == features) {
                return info;
            }
        }
    }
    return std::nullopt;
}

std::optional<DatasetInfo> find_unused_weights(const h5::Listing& listing, Index rows) {
    for (const DatasetInfo& info : listing.datasets) {
        if (is_among(names_of_weights, info.path) && objection_to_weights(info).empty() &&
            vector_length(info) == rows) {
            return info;
        }
    }
    return std::nullopt;
}

}  // namespace paralogit::data
