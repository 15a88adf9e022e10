#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "column.hpp"
#include "feature_names.hpp"
#include "file_state.hpp"
#include "layout.hpp"
#include "netcdf.hpp"
#include "orientation.hpp"
#include "paralogit/base/checked.hpp"
#include "paralogit/base/command_text.hpp"
#include "paralogit/data/data_file.hpp"
#include "paralogit/data/manifest.hpp"
#include "paralogit/model/block.hpp"
#include "search.hpp"
#include "sparse_layout.hpp"
#include "sparse_offsets.hpp"
#include "text.hpp"

namespace paralogit::data {

namespace {

/// One file, before it takes its place among the others.
struct Description {
    FilePart part;
    /// Of a file without rows little is known, and nothing need agree.
    bool is_empty() const { return part.rows == 0; }
    Index features = 0;
    ElementType type = ElementType::float64;
    bool is_sparse = false;
    Index sample_step = 1;              ///< of sparse rows
    std::vector<Index> offset_samples;  ///< of global rows that are multiples of the step
    std::vector<std::string> feature_names;
    bool has_note_of_names = false;  ///< the notes say why there are none
    Orientation orientation;
    std::string note_of_path;  ///< for the first file that has one
    std::vector<std::string> notes;
};

void check_count(bool is_overflow, const std::string& path) {
    if (is_overflow) {
        throw Error(ExitCode::input_data,
                    path + ": with it there are more rows or entries than 63 bits can count");
    }
}

/// Throws Error (input_data) when the column cannot be read.
void check_readable(const h5::File& file, const FilePart& part, const std::string& column) {
    const ColumnReader reader(file, part, column);
}

/// Labels that nobody asked for may still tell that the features lie the other way round.
bool do_labels_tell_transposed(const Contents& contents, const FeatureShape& shape) {
    try {
        const Choice labels = choose_labels(contents, SourceOptions(), std::nullopt);
        return vector_length(labels.info) == shape.features && shape.features > shape.rows;
    } catch (const Error&) {
        return false;
    }
}

void add_feature_names(const Contents& contents, const FeatureShape& shape, bool is_transposed,
                       Description& description) {
    FilePart& part = description.part;
    if (shape.features == 0) {
        return;  // an empty list, of which no columns are known
    }
    const NamelessFeatures features{part.features_path, shape.features, is_transposed};
    if (const auto names = find_feature_names(contents, features)) {
        part.names_path = names->info.path;
        description.feature_names = names->texts.empty()
                                        ? ColumnReader(contents.file, part, part.names_path)
                                              .read_strings({.first = 0, .end = shape.features})
                                        : names->texts;
    } else if (std::string note = note_of_feature_names(contents, features); !note.empty()) {
        description.notes.push_back(std::move(note));
        description.has_note_of_names = true;
    }
}

/// What paralogit convert says of the file that it made.
void add_conversion(const h5::File& file, FilePart& part) {
    part.is_converted = file.text_attribute_of("/", "generator") == "paralogit convert";
    const std::vector<Index> base = file.integers_attribute_of("/", "index_base");
    // Where there are no rows, there was no index to tell it by.
    if (part.is_converted && part.rows > 0 && base.size() == 1 && base.front() >= 0) {
        part.index_base = base.front();
    }
}

Description describe_file(const std::string& path, const SourceOptions& options, Index first_row) {
    Description description;
    FilePart& part = description.part;
    const h5::File file = open_data_file(path);
    const FileState state = state_of(path);
    const Contents contents(file);

    const h5::DatasetInfo features = choose_features(contents, options).info;
    const FeatureShape shape = feature_shape(contents, features, options);
    description.is_sparse = contents.is_sparse_group(features.path);
    if (!description.is_sparse) {
        file.dataset(features.path);  // throws when its values cannot be read
    }
    const std::string values_path =
        description.is_sparse ? path_of_values(features.path) : features.path;
    refuse_packed(file, values_path);
    description.features = shape.features;
    description.type = features.element_type.value();
    part.path = path;
    part.first_row = first_row;
    part.rows = shape.rows;
    part.entries = shape.entries;
    part.features_path = features.path;
    part.rows_per_chunk = shape.rows_per_chunk;
    part.missing_features = missing_marks(file, file.describe(values_path));
    if (!shape.is_order_told) {
        description.notes.push_back(fmt::format(
            "{0}:{1} is square, and nothing tells whether its entries lie by row or by column; "
            "they are taken by row (CSR): write f[{2}].attrs['format'] = 'csr' or 'csc' in h5py",
            path, features.path, python_text(features.path)));
    }
    add_conversion(file, part);
    part.file_bytes = state.bytes;
    part.modified_nanoseconds = state.modified_nanoseconds;

    if (options.needs_labels || options.labels_name) {
        const h5::DatasetInfo labels =
            choose_labels(contents, options, LabelledRows{features.path, shape.rows}).info;
        check_length(contents, labels, features, shape.rows, options.is_transposed);
        part.labels_path = labels.path;
        check_readable(file, part, labels.path);
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
        part.weights_path = weights.path;
        check_readable(file, part, weights.path);
    } else if (const auto unused = find_unused_weights(contents, features.path, shape.rows);
               options.needs_labels && unused) {
        description.notes.push_back(
            fmt::format("{}:{} has one value per row; use {} to use it as row weights", path,
                        unused->path, option_text("weights-name", unused->path)));
    }
    add_feature_names(contents, shape, options.is_transposed, description);
    description.note_of_path = note_of_other_features(contents, features.path, options);
    description.orientation = orientation_of(contents, features, shape);
    if (description.is_sparse) {
        // No block of all rows is smaller than one of those up to here.
        Index rows = 0;
        check_count(__builtin_add_overflow(first_row, shape.rows, &rows), path);
        description.sample_step = model::rows_per_block(rows);
        description.offset_samples = sample_offsets(file, part, description.sample_step);
    }
    return description;
}

[[noreturn]] void fail_to_agree(const FilePart& first, const std::string& found_first,
                                const FilePart& other, const std::string& found_other,
                                const std::string& advice = "") {
    throw Error(ExitCode::input_data,
                fmt::format("{} has {}, but {} has {}; all files must agree{}", other.path,
                            found_other, first.path, found_first, advice));
}

/// How to bring features of two types into one.
std::string advice_on_types(const FilePart& first, ElementType first_type, const FilePart& other,
                            ElementType other_type, bool is_sparse) {
    const std::optional<ElementType> type = common_type(first_type, other_type);
    if (!type) {
        return "; there is no type that holds all values of both";
    }
    const auto is_converted = [](const FilePart& part) {
        return h5::File::open(part.path).text_attribute("generator") == "paralogit convert";
    };
    if (is_converted(first) && is_converted(other)) {
        // Convert writes no integers of 64 bits.
        return fmt::format(": convert the texts of all files in one call, or each with --type {}",
                           name_of(type == ElementType::int64 ? ElementType::float64 : *type));
    }
    const std::string files = first_type == *type ? other.path
                              : other_type == *type
                                  ? first.path
                                  : fmt::format("{} and {}", first.path, other.path);
    return fmt::format(
        ": write features anew in the type that holds all values of both, with h5py: X = "
        "f[{0}][()].astype('{1}'); del f[{0}]; f[{0}] = X in {2}",
        python_text(is_sparse ? path_of_values(first.features_path) : first.features_path),
        name_of(*type), files);
}

/// How to make all files sparse, or dense where that is what they were converted to.
std::string advice_on_layouts(const FilePart& dense, const FilePart& sparse) {
    if (dense.is_converted && sparse.is_converted) {
        return "convert the texts of all files in one call";
    }
    return fmt::format(
        "write the features of {0} sparse, in Python: import h5py, scipy.sparse; f = "
        "h5py.File({1}, 'a'); m = scipy.sparse.csr_matrix(f[{2}][()]); del f[{2}]; x = "
        "f.create_group({2}); x['data'], x['indices'], x['indptr'] = m.data, m.indices, m.indptr; "
        "x.attrs['shape'] = m.shape",
        dense.path, python_text(dense.path), python_text(dense.features_path));
}

/// What files of different widths may come from, and what to do.
std::string advice_on_widths(const FilePart& first, Index features, const Description& next) {
    const FilePart& narrower = features < next.features ? first : next.part;
    const FilePart& wider = features < next.features ? next.part : first;
    if (first.is_converted && next.part.is_converted) {
        return fmt::format(": convert the texts of all files in one call, or that of {} with {}",
                           narrower.path, option_text("like", wider.path));
    }
    if (next.is_sparse) {
        return fmt::format(
            ": where both number the same features alike, write the larger shape into {}",
            narrower.path);
    }
    return fmt::format(
        ": write the same features into each, in the same order; {} has too few, or {} too many",
        narrower.path, wider.path);
}

/// Names that some files have cannot be held against columns of a file that has none.
void note_unnamed_file(const std::optional<std::size_t>& unnamed,
                       const std::optional<std::size_t>& named, Manifest& manifest) {
    if (unnamed && named) {
        manifest.notes.push_back(
            unnamed_text(manifest.files[*unnamed].path, manifest.files[*named].path));
    }
}

/// Throws unless a further file goes together with those before it.
void check_agreement(const Manifest& manifest, const FilePart& first,
                     const FilePart* first_with_names, const Description& next) {
    const auto features_text = [](const FilePart& part, Index features) {
        return fmt::format("{} features in {}", features, part.features_path);
    };
    if (next.is_sparse != manifest.is_sparse) {
        const auto layout_text = [](const FilePart& part, bool is_sparse) {
            return fmt::format("{} features in {}", is_sparse ? "sparse" : "dense",
                               part.features_path);
        };
        const FilePart& dense = next.is_sparse ? first : next.part;
        fail_to_agree(first, layout_text(first, manifest.is_sparse), next.part,
                      layout_text(next.part, next.is_sparse),
                      ": " + advice_on_layouts(dense, next.is_sparse ? next.part : first));
    }
    if (next.features != manifest.features) {
        fail_to_agree(first, features_text(first, manifest.features), next.part,
                      features_text(next.part, next.features),
                      advice_on_widths(first, manifest.features, next));
    }
    if (const FilePart* const other = manifest.file_with_index_base();
        other != nullptr && next.part.index_base && next.part.index_base != other->index_base) {
        throw Error(ExitCode::input_data,
                    index_base_text(next.part, *other->index_base, other->path,
                                    option_text("like", other->path)));
    }
    if (next.type != manifest.type) {
        const auto type_text = [](const FilePart& part, ElementType type) {
            return fmt::format("features of type {} in {}", name_of(type), part.features_path);
        };
        fail_to_agree(first, type_text(first, manifest.type), next.part,
                      type_text(next.part, next.type),
                      advice_on_types(first, manifest.type, next.part, next.type, next.is_sparse));
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

/// Offsets of a file, of the global rows that are multiples of a step.
struct OffsetSamples {
    Index step;
    std::vector<Index> offsets;
};

/// The entries before each block, and all in the end. A file has samples for steps that divide the
/// blocks of all rows.
std::vector<Index> count_entries(const Manifest& manifest, std::span<const OffsetSamples> samples,
                                 Index all_entries) {
    const ShardPlan plan(manifest.rows);
    std::vector<Index> before;
    before.reserve(narrow<std::size_t>(plan.blocks() + 1));
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const FilePart& part = manifest.files[i];
        const Index step = samples[i].step;
        const Index first_sample = (part.first_row + step - 1) / step;
        for (Index block = std::ssize(before);
             block < plan.blocks() && plan.rows_of_block(block).first < part.first_row + part.rows;
             ++block) {
            const Index sample = plan.rows_of_block(block).first / step - first_sample;
            before.push_back(part.first_entry + samples[i].offsets.at(narrow<std::size_t>(sample)));
        }
    }
    before.push_back(all_entries);
    return before;
}

}  // namespace

Manifest describe(std::span<const std::string> paths, const SourceOptions& options) {
    if (paths.empty()) {
        throw Error(ExitCode::input_data, "no data file is given");
    }
    Manifest manifest;
    manifest.is_transposed = options.is_transposed;
    Index entries = 0;
    std::vector<OffsetSamples> samples;
    // Positions, for the files move while their list grows.
    std::optional<std::size_t> file_with_rows;
    std::optional<std::size_t> file_with_names;
    std::optional<std::size_t> file_without_names;
    std::optional<Orientation> orientation;  // of the first, while all are square
    std::string note_of_path;
    for (const std::string& path : paths) {
        Description next = describe_file(path, options, manifest.rows);
        if (next.is_empty()) {
            next.feature_names.clear();
            next.part.names_path.clear();
        } else if (!file_with_rows) {
            file_with_rows = manifest.files.size();
            manifest.is_sparse = next.is_sparse;
            manifest.features = next.features;
            manifest.type = next.type;
        } else {
            check_agreement(manifest, manifest.files[*file_with_rows],
                            file_with_names ? &manifest.files[*file_with_names] : nullptr, next);
        }
        const bool is_unnamed = !next.is_empty() && next.feature_names.empty();
        if (!file_without_names && is_unnamed && !next.has_note_of_names) {
            file_without_names = manifest.files.size();
        }
        if (!file_with_names && !next.feature_names.empty()) {
            file_with_names = manifest.files.size();
            manifest.feature_names = std::move(next.feature_names);
        }
        note_of_path = note_of_path.empty() ? next.note_of_path : note_of_path;
        // Files of other numbers of rows tell which of two dimensions the features are.
        if (!next.is_empty() && (!orientation || !next.orientation.is_square)) {
            orientation = next.orientation;
        }
        check_count(__builtin_add_overflow(manifest.rows, next.part.rows, &manifest.rows), path);
        next.part.first_entry = entries;
        check_count(__builtin_add_overflow(entries, next.part.entries, &entries), path);
        samples.push_back({next.sample_step, std::move(next.offset_samples)});
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
    const FilePart& first = manifest.files[*file_with_rows];
    if (std::string note =
            check_orientation(*orientation, first.path, first.features_path, options);
        !note.empty()) {
        manifest.notes.push_back(std::move(note));
    }
    if (!note_of_path.empty()) {
        manifest.notes.push_back(std::move(note_of_path));
    }
    std::vector<std::string> found;
    for (const FilePart& part : manifest.files) {
        found.push_back(part.path);
    }
    std::ranges::move(notes_on_repeated_files(found), std::back_inserter(manifest.notes));
    note_unnamed_file(file_without_names, file_with_names, manifest);
    if (manifest.is_sparse) {
        manifest.entries_before_block = count_entries(manifest, samples, entries);
    }
    return manifest;
}

}  // namespace paralogit::data
