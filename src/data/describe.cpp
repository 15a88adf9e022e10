#include <fmt/format.h>

#include <algorithm>

#include "file_state.hpp"
#include "layout.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/data/manifest.hpp"
#include "search.hpp"
#include "text.hpp"

namespace paralogit::data {

namespace {

/// One file, before it takes its place among the others.
struct Description {
    FilePart part;
    Index features = 0;
    ElementType type = ElementType::float64;
    std::vector<std::string> feature_names;
    std::vector<std::string> notes;
};

/// Labels that nobody asked for may still tell that the features lie the other way round.
bool do_labels_tell_transposed(const Contents& contents, const FeatureShape& shape) {
    try {
        const Choice labels = choose_labels(contents, SourceOptions(), std::nullopt);
        return vector_length(labels.info) == shape.features && shape.features > shape.rows;
    } catch (const Error&) {
        return false;
    }
}

Description describe_file(const std::string& path, const SourceOptions& options) {
    Description description;
    FilePart& part = description.part;
    const h5::File file = h5::File::open(path);
    const FileState state = state_of(path);
    const Contents contents(file);

    const h5::DatasetInfo features = choose_features(contents, options).info;
    const FeatureShape shape = feature_shape(contents, features, options.is_transposed);
    file.dataset(features.path);  // throws when its values cannot be read
    description.features = shape.features;
    description.type = features.element_type.value();
    part.path = path;
    part.rows = shape.rows;
    part.features_path = features.path;
    part.rows_per_chunk = shape.rows_per_chunk;
    part.file_bytes = state.bytes;
    part.modified_nanoseconds = state.modified_nanoseconds;

    if (options.needs_labels || options.labels_name) {
        const h5::DatasetInfo labels = choose_labels(contents, options, shape.rows).info;
        check_length(contents, labels, features, shape.rows, options.is_transposed);
        file.dataset(labels.path);
        part.labels_path = labels.path;
        part.are_labels_text =
            labels.kind == h5::ValueKind::string || labels.kind == h5::ValueKind::enumeration;
    } else if (!options.is_transposed && do_labels_tell_transposed(contents, shape)) {
        description.notes.push_back(
            fmt::format("{}:{} ({}) looks stored as features x rows; if it is, use --transposed",
                        path, features.path, shape_text(features.shape)));
    }
    if (options.weights_name) {
        const h5::DatasetInfo weights = choose_weights(contents, *options.weights_name).info;
        check_length(contents, weights, features, shape.rows, options.is_transposed);
        file.dataset(weights.path);
        part.weights_path = weights.path;
    } else if (const auto unused = find_unused_weights(contents.listing, shape.rows);
               options.needs_labels && unused) {
        description.notes.push_back(fmt::format(
            "{0}:{1} has one value per row; use --weights-name {1} to use it as row weights", path,
            unused->path));
    }
    if (const auto names = find_feature_names(contents.listing, shape.features)) {
        description.feature_names = file.dataset(names->path).read_strings(0, shape.features);
    }
    return description;
}

[[noreturn]] void fail_to_agree(const FilePart& first, const std::string& found_first,
                                const FilePart& other, const std::string& found_other) {
    throw Error(ExitCode::input_data,
                fmt::format("{} has {}, but {} has {}; all files must agree", other.path,
                            found_other, first.path, found_first));
}

/// Throws unless a further file goes together with those before it.
void check_agreement(const Manifest& manifest, const FilePart* first_with_names,
                     const Description& next) {
    const FilePart& first = manifest.files.front();
    const auto features_text = [](const FilePart& part, Index features) {
        return fmt::format("{} features in {}", features, part.features_path);
    };
    if (next.features != manifest.features) {
        fail_to_agree(first, features_text(first, manifest.features), next.part,
                      features_text(next.part, next.features));
    }
    if (next.type != manifest.type) {
        const auto type_text = [](const FilePart& part, ElementType type) {
            return fmt::format("features of type {} in {}", name_of(type), part.features_path);
        };
        fail_to_agree(first, type_text(first, manifest.type), next.part,
                      type_text(next.part, next.type));
    }
    if (next.part.are_labels_text != first.are_labels_text) {
        const auto kind_text = [](const FilePart& part) {
            return fmt::format("{} as labels in {}", part.are_labels_text ? "texts" : "numbers",
                               part.labels_path);
        };
        fail_to_agree(first, kind_text(first), next.part, kind_text(next.part));
    }
    if (first_with_names != nullptr && !next.feature_names.empty() &&
        next.feature_names != manifest.feature_names) {
        const auto at = std::mismatch(next.feature_names.begin(), next.feature_names.end(),
                                      manifest.feature_names.begin());
        const auto name_text = [&](const std::string& name) {
            return fmt::format("the feature name {} for column {}", in_quotes(name),
                               at.first - next.feature_names.begin());
        };
        fail_to_agree(*first_with_names, name_text(*at.second), next.part, name_text(*at.first));
    }
}

}  // namespace

Manifest describe(std::span<const std::string> paths, const SourceOptions& options) {
    if (paths.empty()) {
        throw Error(ExitCode::input_data, "no data file is given");
    }
    Manifest manifest;
    manifest.is_transposed = options.is_transposed;
    // A position, for the files move while their list grows.
    std::optional<std::size_t> file_with_names;
    for (const std::string& path : paths) {
        Description next = describe_file(path, options);
        if (manifest.files.empty()) {
            manifest.features = next.features;
            manifest.type = next.type;
        } else {
            check_agreement(manifest, file_with_names ? &manifest.files[*file_with_names] : nullptr,
                            next);
        }
        if (!file_with_names && !next.feature_names.empty()) {
            file_with_names = manifest.files.size();
            manifest.feature_names = std::move(next.feature_names);
        }
        next.part.first_row = manifest.rows;
        if (__builtin_add_overflow(manifest.rows, next.part.rows, &manifest.rows)) {
            throw Error(ExitCode::input_data,
                        path + ": with it the rows are more than 63 bits can count");
        }
        manifest.notes.insert(manifest.notes.end(), next.notes.begin(), next.notes.end());
        manifest.files.push_back(std::move(next.part));
    }
    if (manifest.rows == 0) {
        const FilePart& first = manifest.files.front();
        throw Error(ExitCode::input_data,
                    manifest.files.size() == 1
                        ? fmt::format("{}:{} has no rows", first.path, first.features_path)
                        : fmt::format("no rows in any of the {} files", manifest.files.size()));
    }
    return manifest;
}

}  // namespace paralogit::data
