#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "feature_list.hpp"
#include "feature_names.hpp"
#include "file_state.hpp"
#include "foreign.hpp"
#include "layout.hpp"
#include "paralogit/data/data_file.hpp"
#include "paralogit/data/labels.hpp"
#include "paralogit/data/manifest.hpp"
#include "paralogit/data/shard.hpp"
#include "read_labels.hpp"
#include "search.hpp"
#include "sparse_stream.hpp"
#include "text.hpp"

namespace paralogit::data {

namespace {

/// Labels are looked at to this row.
constexpr Index surveyed_rows = 1'000'000;

std::string storage_text(const h5::DatasetInfo& info) {
    std::string text =
        info.chunk.empty() ? std::string("not chunked") : "chunks of " + shape_text(info.chunk);
    if (!info.filters.empty()) {
        text += fmt::format(" ({})", fmt::join(info.filters, ", "));
    }
    return text + ", " + readable_bytes(info.stored_bytes) + " stored";
}

/// A column of AnnData with its categories, to a limit.
std::string column_text(const h5::File& file, const Column& column) {
    if (column.categories_path.empty() || !column.info.problem.empty()) {
        return fmt::format("  {}: column, {}\n", printable(column.info.path),
                           column.info.type_text);
    }
    constexpr Index limit = 16;
    const h5::Dataset categories = file.dataset(column.categories_path);
    const Index count = std::min(categories.info().rows(), limit);
    std::vector<std::string> words;
    if (are_texts(categories.info())) {
        for (const std::string& name : categories.read_strings(0, count)) {
            words.push_back(in_quotes(name));
        }
    } else {
        for (const double number : categories.read_doubles(0, count)) {
            words.push_back(shortest(number));
        }
    }
    return fmt::format("  {}: column, {}: {}{}\n", printable(column.info.path),
                       column.info.type_text, fmt::join(words, ", "),
                       categories.info().rows() > limit ? ", ..." : "");
}

/// The fields of a table of records, to a limit; empty for any other dataset.
std::string fields_text(const h5::File& file, const h5::DatasetInfo& info) {
    constexpr std::size_t limit = 32;
    std::vector<std::string> words;
    for (const std::string& field : info.fields) {
        if (words.size() == limit) {
            words.emplace_back("...");
            break;
        }
        words.push_back(fmt::format("{} ({})", printable(field),
                                    file.describe(info.path + "/" + field).type_text));
    }
    return words.empty() ? "" : fmt::format("    its fields: {}\n", fmt::join(words, ", "));
}

/// All that is in the file, one line each.
std::string contents_text(const Contents& contents) {
    const h5::Listing& listing = contents.listing;
    std::size_t widest = 0;
    std::map<std::string, Index> machinery;  // with how many datasets lie in there
    for (const h5::DatasetInfo& info : listing.datasets) {
        if (const std::string group = machinery_around(info.path); !group.empty()) {
            ++machinery[group];
        } else {
            widest = std::max(widest, printable(info.path).size());
        }
    }
    std::string text;
    for (const h5::DatasetInfo& info : listing.datasets) {
        if (!machinery_around(info.path).empty()) {
            continue;
        }
        text += fmt::format("  {:<{}}  {}, {}, {}\n", printable(info.path), widest,
                            shape_text(info.shape), info.type_text, storage_text(info));
        if (!info.problem.empty()) {
            text += fmt::format("    cannot be read: {}\n", info.problem);
        }
        text += fields_text(contents.file, info);
    }
    for (const auto& [group, datasets] : machinery) {
        text += fmt::format("  {}: {}, {} dataset{}\n", printable(group), name_of_machinery(group),
                            datasets, datasets == 1 ? "" : "s");
    }
    for (const std::string& group : contents.sparse_groups) {
        text += fmt::format("  {}: sparse matrix\n", printable(group));
    }
    for (const h5::DatasetInfo& matrix : contents.sparse_of_matlab) {
        text += fmt::format("  {}: {}, {}\n", printable(matrix.path), matrix.type_text,
                            shape_text(matrix.shape));
    }
    for (const Column& column : contents.columns) {
        text += column_text(contents.file, column);
    }
    for (const std::string& group : listing.groups) {
        const auto is_inside = [&](const h5::DatasetInfo& info) {
            return info.path.starts_with(group + "/");
        };
        if (group != "/" && machinery_around(group + "/").empty() &&
            std::none_of(listing.datasets.begin(), listing.datasets.end(), is_inside)) {
            text += fmt::format("  {}: group without datasets\n", printable(group));
        }
    }
    for (const h5::SkippedLink& link : listing.skipped) {
        text += fmt::format("  {}: not followed: {}\n", printable(link.path), link.reason);
    }
    if (!listing.is_complete) {
        text += "  ... and more: the file has too many objects to list them all\n";
    }
    return text.empty() ? "  nothing\n" : text;
}

/// How the labels would be read, from a first look at them.
std::string labels_text(const std::string& path, const h5::File& file, const h5::DatasetInfo& info,
                        const std::optional<std::string>& positive_label,
                        std::optional<Error>& problem) {
    const Index length = vector_length(info).value_or(0);
    const Index rows = std::min(length, surveyed_rows);
    if (rows == 0) {
        return "";
    }
    FilePart part;
    part.path = path;
    part.rows = length;
    part.labels_path = info.path;
    LabelReader reader;
    reader.read(ColumnReader(file, part, info.path), {.first = 0, .end = rows});
    const LabelSurvey survey(reader.take(), 0, positive_label);
    const std::string where =
        rows == length ? "" : fmt::format(" (the first {} rows were looked at)", rows);
    Manifest place;
    place.files.push_back(part);
    try {
        const LabelRule rule(survey, positive_label, place);
        const std::string note = rule.note();
        return fmt::format("  read as {}{}\n{}", rule.description(), where,
                           note.empty() ? "" : fmt::format("note: {}\n", note));
    } catch (const Error& error) {
        problem = problem ? problem : error;
        return "";
    }
}

/// What would be used, and why; stops at the first problem.
std::string use_text(const std::string& path, const Contents& contents,
                     const SourceOptions& options, std::optional<Error>& problem) {
    std::string text;
    std::optional<LabelledRows> labelled;
    try {
        const Choice features = choose_features(contents, options);
        text += fmt::format("features: {}, {}\n", summary(features.info), features.reason);
        const FeatureShape shape = feature_shape(contents, features.info, options);
        labelled = {features.info.path, shape.rows};
        text += fmt::format("  {} rows, {} features{}\n", shape.rows, shape.features,
                            options.is_transposed ? ", transposed" : "");
        if (const auto names = find_feature_names(
                contents, {features.info.path, shape.features, options.is_transposed})) {
            text += fmt::format("  their names: {}, {}\n", summary(names->info), names->reason);
        }
    } catch (const Error& error) {
        problem = error;
    }
    if (options.needs_labels || options.labels_name) {
        try {
            const Choice labels = choose_labels(contents, options, labelled);
            text += fmt::format("labels: {}, {}\n", summary(labels.info), labels.reason);
            text += labels_text(path, contents.file, labels.info, options.positive_label, problem);
        } catch (const Error& error) {
            problem = problem ? problem : error;
        }
    }
    return text;
}

/// All of them are looked at. Throws Error (input_data) for what train refuses.
void check_weights(const h5::File& file, const Manifest& manifest) {
    const FilePart& part = manifest.files.front();
    const ColumnReader column(file, part, part.weights_path);
    bool has_positive = part.rows == 0;
    for (Index row = 0; row < part.rows; row += surveyed_rows) {
        Shard shard;
        shard.rows = {.first = row, .end = std::min(row + surveyed_rows, part.rows)};
        shard.row_weights = column.read_doubles(shard.rows);
        if (const std::optional<Error> bad = find_bad_weight(shard, manifest)) {
            throw Error(*bad);
        }
        has_positive =
            has_positive || std::ranges::any_of(shard.row_weights, [](double s) { return s > 0; });
    }
    if (!has_positive) {
        throw Error(ExitCode::input_data,
                    fmt::format("{}:{}: every row weight is 0; at least one must be positive",
                                part.path, part.weights_path));
    }
}

/// Throws what training would of the sparse rows of the first block; returns how many they are.
Index check_first_rows(const Manifest& manifest) {
    const ShardPlan plan = manifest.plan();
    Shard first;
    first.type = manifest.type;
    first.features = manifest.features;
    first.blocks = {.first = 0, .end = 1};
    first.rows = plan.rows_of_block(0);
    std::mutex library;
    read_sparse_features(manifest, plan, first, library);
    return first.rows.size();
}

}  // namespace

Inspection inspect(const std::string& path, const SourceOptions& options, bool lists_features) {
    const h5::File file = open_data_file(path);
    const Contents contents(file);
    Inspection inspection;
    std::string& text = inspection.text;
    text = fmt::format("{}: {}\n{}", path, readable_bytes(state_of(path).bytes),
                       contents_text(contents));
    text += use_text(path, contents, options, inspection.problem);
    std::string also_not_looked_at;
    try {
        const Manifest manifest = describe(std::vector<std::string>{path}, options);
        if (!manifest.files.front().weights_path.empty()) {
            text += fmt::format("row weights: {}\n", manifest.files.front().weights_path);
            check_weights(file, manifest);
        }
        if (lists_features) {
            text += feature_list(file, manifest);
        }
        for (const std::string& note : manifest.notes) {
            text += fmt::format("note: {}\n", note);
        }
        if (manifest.is_sparse) {
            const Index looked_at = check_first_rows(manifest);
            if (looked_at < manifest.rows) {
                also_not_looked_at = fmt::format(
                    ", and indices and indptr of the rows behind the first {}, among which it "
                    "refuses those that do not rise, or name no feature",
                    looked_at);
            }
        }
    } catch (const Error& error) {
        inspection.problem = inspection.problem ? inspection.problem : error;
    }
    text += fmt::format(
        "not looked at: the values of the features, among which train refuses NaN and "
        "infinity{}\n",
        also_not_looked_at);
    if (inspection.problem) {
        text += fmt::format("problem: {}\n", inspection.problem->what());
    }
    return inspection;
}

}  // namespace paralogit::data
