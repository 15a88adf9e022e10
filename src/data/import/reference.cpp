#include "paralogit/data/import/reference.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <unordered_map>

#include "../text.hpp"
#include "missing_markers.hpp"
#include "paralogit/base/checked.hpp"

namespace paralogit::data {

namespace {

constexpr std::size_t most_shown = 5;

[[noreturn]] void fail(const std::string& path, const std::string& what) {
    throw Error(ExitCode::input_data, path + ": " + what);
}

std::string shown(const std::vector<std::string>& texts) {
    std::vector<std::string> quoted;
    for (const std::string& text : std::span(texts).first(std::min(most_shown, texts.size()))) {
        quoted.push_back(in_quotes(text));
    }
    return fmt::format("{}{}", fmt::join(quoted, ", "), texts.size() > most_shown ? ", ..." : "");
}

std::string is_or_are(const std::vector<std::string>& texts) {
    return shown(texts) + (texts.size() == 1 ? " is" : " are");
}

bool is_feature(ColumnKind kind) {
    return kind == ColumnKind::number || kind == ColumnKind::text;
}

/// Where neither table has a header the made-up names count the labels too, which may lie elsewhere
/// here or be missing: as many features are those of the other table, in its order.
void take_names_in_order(const ReferenceTable& reference, CsvFormat& format,
                         const std::string& file) {
    const auto count = narrow<std::size_t>(std::ranges::count_if(format.kinds, is_feature));
    if (count == reference.columns.size()) {
        format.names_without_header.resize(format.kinds.size());
        auto next = reference.columns.begin();
        for (std::size_t i = 0; i < format.kinds.size(); ++i) {
            if (is_feature(format.kinds[i])) {
                format.names_without_header[i] = next++->name;
            }
        }
        return;
    }
    const bool has_labels = std::ranges::any_of(format.kinds, [](ColumnKind kind) {
        return kind == ColumnKind::number_label || kind == ColumnKind::text_label;
    });
    if (!has_labels) {
        fail(file, fmt::format("has {} columns of features, no labels and no header, but {} was "
                               "made of {} columns; without names their order tells them apart: "
                               "leave others out with --drop",
                               count, reference.path, reference.columns.size()));
    }
}

/// The column of these texts; empty when its reference is none of them.
std::optional<ImportMatrix::Column> column_of(const std::string& name,
                                              const Dictionary& dictionary) {
    ImportMatrix::Column column;
    column.name = name;
    column.is_text = true;
    column.texts = dictionary.texts;
    if (dictionary.reference) {
        const auto found = std::ranges::find(column.texts, *dictionary.reference);
        if (found == column.texts.end()) {
            return std::nullopt;
        }
        column.reference = static_cast<std::size_t>(found - column.texts.begin());
    }
    return column;
}

/// Whether the names from `first` on are those of its features.
bool has_features(const ImportMatrix::Column& column, const std::vector<std::string>& names,
                  std::size_t first) {
    const std::vector<std::string> own = names_of_features(column);
    return !own.empty() && own.size() <= names.size() - first &&
           std::equal(own.begin(), own.end(), names.begin() + static_cast<std::ptrdiff_t>(first));
}

std::vector<std::string> spelled_like_markers(const std::vector<std::string>& texts,
                                              const MissingMarkers& markers) {
    std::vector<std::string> found;
    std::ranges::copy_if(texts, std::back_inserter(found),
                         [&](const std::string& text) { return markers.is_missing_text(text); });
    return found;
}

/// Those of the first that are none of the second.
std::vector<std::string> markers_beyond(const std::vector<std::string>& markers,
                                        const std::vector<std::string>& others) {
    const MissingMarkers known(others);
    std::vector<std::string> beyond;
    std::ranges::copy_if(markers, std::back_inserter(beyond), [&](const std::string& marker) {
        return !known.is_missing_field(marker);
    });
    return beyond;
}

/// A model tells its labels by their texts.
void follow_labels(const ReferenceTable& reference, const MissingMarkers& markers,
                   CsvFormat& format) {
    const auto label = std::ranges::find_if(format.kinds, [](ColumnKind kind) {
        return kind == ColumnKind::number_label || kind == ColumnKind::text_label;
    });
    if (label == format.kinds.end() || !reference.has_labels) {
        return;
    }
    *label = reference.label_texts.empty() ? ColumnKind::number_label : ColumnKind::text_label;
    format.known_labels = reference.label_texts;
    format.texts_in_spite_of_markers[narrow<std::size_t>(label - format.kinds.begin())] =
        spelled_like_markers(reference.label_texts, markers);
}

/// Texts of the second list that the first, which is sorted, does not have.
std::vector<std::string> not_among(const std::vector<std::string>& known, const TextSet& found) {
    std::vector<std::string> unknown;
    std::ranges::set_difference(found.texts(), known, std::back_inserter(unknown));
    return unknown;
}

}  // namespace

bool ReferenceTable::is_named() const {
    // Without a header convert calls them column1, column2, ...
    constexpr std::string_view numbered = "column";
    return std::ranges::any_of(columns, [&](const ImportMatrix::Column& column) {
        return !column.name.starts_with(numbered) ||
               column.name.find_first_not_of("0123456789", numbered.size()) != std::string::npos;
    });
}

ReferenceTable reference_table(const std::string& path, Index features,
                               const std::vector<std::string>& feature_names,
                               const std::map<std::string, Dictionary>& dictionaries) {
    ReferenceTable reference;
    reference.path = path;
    reference.features = features;
    std::size_t used = 0;
    for (std::size_t feature = 0; feature < feature_names.size();) {
        const std::string& name = feature_names[feature];
        ImportMatrix::Column column;
        column.name = name;
        // A column whose name no path can hold has its dictionary by its first feature. Either way
        // "column=text" may have more than one '='.
        for (std::size_t end = name.find('='); end != std::string::npos && !column.is_text;
             end = name.find('=', end + 1)) {
            const std::string start = name.substr(0, end);
            for (const std::string& key : {start, fmt::format("feature_{}", feature)}) {
                const auto found = dictionaries.find(std::string(dictionary_prefix) + key);
                if (found == dictionaries.end()) {
                    continue;
                }
                auto of_texts = column_of(start, found->second);
                if (of_texts && has_features(*of_texts, feature_names, feature)) {
                    column = std::move(*of_texts);
                    break;
                }
            }
        }
        column.first_feature = narrow<Index>(feature);
        feature += names_of_features(column).size();
        used += column.is_text ? 1 : 0;
        reference.columns.push_back(std::move(column));
    }
    const auto with_texts = std::ranges::count_if(
        dictionaries, [](const auto& dictionary) { return !dictionary.second.texts.empty(); });
    if (narrow<std::size_t>(with_texts) != used) {
        fail(path, "/feature_names and /dictionaries do not fit together; convert it again");
    }
    return reference;
}

void follow(const ReferenceTable& reference, CsvFormat& format, const std::string& file) {
    if (reference.index_base) {
        fail(
            reference.path,
            fmt::format("was made of LIBSVM text, whose features have numbers and no names, and {} "
                        "is a table: nothing tells which column is which; write the rows as "
                        "LIBSVM, or convert the training rows from a table",
                        file));
    }
    format.is_undecided.clear();
    const MissingMarkers markers(format.missing_markers);
    format.texts_in_spite_of_markers.resize(format.kinds.size());
    follow_labels(reference, markers, format);
    if (reference.columns.empty()) {
        const auto count = std::ranges::count_if(format.kinds, is_feature);
        if (count != reference.features) {
            fail(file, fmt::format("has {} columns beside the labels, but {} was made of {}, which "
                                   "have no names",
                                   count, reference.path, reference.features));
        }
        std::ranges::replace_if(format.kinds, is_feature, ColumnKind::number);
        return;
    }
    if (format.names.empty() && !reference.is_named()) {
        take_names_in_order(reference, format, file);
    }
    // There may be many.
    std::unordered_map<std::string, std::vector<std::size_t>> columns_by_name;
    for (std::size_t i = 0; i < format.kinds.size(); ++i) {
        if (is_feature(format.kinds[i])) {
            columns_by_name[format.feature_name(i)].push_back(i);
        }
    }
    std::unordered_map<std::string, std::size_t> taken;
    std::vector<bool> is_used(format.kinds.size());
    std::vector<std::string> missing;
    for (const ImportMatrix::Column& column : reference.columns) {
        const std::vector<std::size_t>& found = columns_by_name[column.name];
        // Of several columns of one name there each comes once, in their order.
        const std::size_t next = taken[column.name]++;
        if (next >= found.size()) {
            missing.push_back(column.name);
            continue;
        }
        is_used[found[next]] = true;
        format.kinds[found[next]] = column.is_text ? ColumnKind::text : ColumnKind::number;
        format.texts_in_spite_of_markers[found[next]] = spelled_like_markers(column.texts, markers);
    }
    for (const auto& [name, count] : taken) {
        const std::vector<std::size_t>& found = columns_by_name[name];
        if (count == 1 && found.size() > 1) {
            fail(file, fmt::format("columns {} and {} both have the name {} in the header; rename "
                                   "one or leave it out: --drop {}",
                                   found[0] + 1, found[1] + 1, in_quotes(name), found[1] + 1));
        }
    }
    if (!missing.empty()) {
        fail(file, fmt::format("{} of the {} columns that {} was made of {} missing: {}; the "
                               "columns are found by their names in the header",
                               missing.size(), reference.columns.size(), reference.path,
                               missing.size() == 1 ? "is" : "are", shown(missing)));
    }
    for (std::size_t i = 0; i < format.kinds.size(); ++i) {
        if (is_feature(format.kinds[i]) && !is_used[i]) {
            format.kinds[i] = ColumnKind::dropped;
        }
    }
    std::erase_if(format.odd_fields, [&](const OddField& odd) {
        return format.kinds[odd.column] != ColumnKind::number;
    });
}

std::string note_on_markers(const ReferenceTable& reference,
                            const std::vector<std::string>& markers) {
    if (!reference.missing_markers) {
        return {};
    }
    const std::vector<std::string> there = markers_beyond(*reference.missing_markers, markers);
    const std::vector<std::string> here = markers_beyond(markers, *reference.missing_markers);
    std::vector<std::string> differences;
    if (!there.empty()) {
        differences.push_back(fmt::format("{} missing there and not here", is_or_are(there)));
    }
    if (!here.empty()) {
        differences.push_back(fmt::format("{} missing here and not there", is_or_are(here)));
    }
    return differences.empty()
               ? ""
               : fmt::format(
                     "--missing-markers: they are not those of {}: {}; leave it out to take "
                     "them from there",
                     reference.path, fmt::join(differences, ", "));
}

ImportMatrix plan_table(const CsvFormat& format, const ImportSurvey& survey,
                        const ReferenceTable& reference) {
    ImportMatrix matrix = plan_table(format, survey);
    if (reference.columns.empty()) {
        return matrix;
    }
    // The columns as they were found, in the order of the reference.
    std::vector<ImportMatrix::Column> found = std::move(matrix.columns);
    matrix.columns = reference.columns;
    matrix.feature_names.clear();
    for (ImportMatrix::Column& column : matrix.columns) {
        const auto own = std::ranges::find(found, column.name, &ImportMatrix::Column::name);
        column.position = own->position;
        found.erase(own);
        std::ranges::move(names_of_features(column), std::back_inserter(matrix.feature_names));
    }
    matrix.features = reference.features;
    matrix.may_have_unknown_texts = true;
    return matrix;
}

ImportMatrix plan_sparse(const ImportSurvey& survey, const ReferenceTable& reference) {
    ImportMatrix matrix = plan_sparse(survey, reference.index_base, reference.features);
    if (matrix.features > reference.features) {
        fail(reference.path,
             fmt::format("has {} features, so with the first index {} the last one is {}, but the "
                         "index {} occurs in the text",
                         reference.features, matrix.index_base,
                         matrix.index_base + static_cast<std::uint64_t>(reference.features) - 1,
                         survey.highest_index));
    }
    return matrix;
}

std::vector<std::string> unknown_texts(const ImportMatrix& matrix, const ImportSurvey& survey,
                                       const ReferenceTable& reference,
                                       std::span<const Index> rows) {
    std::vector<std::string> sentences;
    for (std::size_t c = 0; c < matrix.columns.size(); ++c) {
        const ImportMatrix::Column& column = matrix.columns[c];
        if (!column.is_text || column.position >= survey.texts.size()) {
            continue;
        }
        const std::vector<std::string> unknown =
            not_among(column.texts, survey.texts[column.position]);
        if (!unknown.empty()) {
            sentences.push_back(fmt::format(
                "column {} has {} text{} that {} does not have: {}; all features of the column are "
                "0 there{}, in {} of {} rows",
                in_quotes(column.name), unknown.size(), unknown.size() == 1 ? "" : "s",
                reference.path, shown(unknown),
                column.reference
                    ? fmt::format(", as for {}", in_quotes(column.texts[*column.reference]))
                    : "",
                rows[c], matrix.rows));
        }
    }
    return sentences;
}

}  // namespace paralogit::data
