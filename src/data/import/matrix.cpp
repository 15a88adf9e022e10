#include "paralogit/data/import/matrix.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>

#include "../text.hpp"
#include "paralogit/base/checked.hpp"

namespace paralogit::data {

namespace {

std::vector<std::string> sorted(const TextSet& set) {
    return {set.texts().begin(), set.texts().end()};
}

/// The first of them.
std::string shown(const std::set<std::string>& texts) {
    constexpr std::size_t most = 10;
    std::string list;
    std::size_t count = 0;
    for (const std::string& text : texts) {
        if (count++ == most) {
            return list + ", ...";
        }
        list += (list.empty() ? "" : ", ") + in_quotes(text);
    }
    return list;
}

constexpr Index unknown = -1;
constexpr Index no_feature = -2;  ///< of the reference

Index position_in(const std::vector<std::string>& texts, const std::string& text) {
    const auto found = std::lower_bound(texts.begin(), texts.end(), text);
    return found == texts.end() || *found != text ? unknown : found - texts.begin();
}

/// Which of the texts is the reference.
std::optional<std::size_t> reference_among(const std::vector<std::string>& texts,
                                           const CsvFormat& format, std::size_t column) {
    if (format.chosen_references.empty() || !format.chosen_references[column]) {
        return format.is_first_text_reference && !texts.empty() ? std::optional<std::size_t>(0)
                                                                : std::nullopt;
    }
    const Index position = position_in(texts, *format.chosen_references[column]);
    return position == unknown ? std::nullopt : std::optional(static_cast<std::size_t>(position));
}

Index feature_of_text(const ImportMatrix::Column& column, Index position) {
    if (!column.reference) {
        return column.first_feature + position;
    }
    const auto reference = static_cast<Index>(*column.reference);
    return position == reference ? no_feature
                                 : column.first_feature + position - (position > reference ? 1 : 0);
}

}  // namespace

std::vector<std::string> names_of_features(const ImportMatrix::Column& column) {
    if (!column.is_text) {
        return {column.name};
    }
    std::vector<std::string> names;
    for (std::size_t i = 0; i < column.texts.size(); ++i) {
        if (column.reference != i) {
            names.push_back(column.name + "=" + column.texts[i]);
        }
    }
    return names;
}

bool has_references(const ImportMatrix& matrix) {
    return !matrix.columns_without_features.empty() ||
           std::ranges::any_of(matrix.columns,
                               [](const auto& column) { return column.reference.has_value(); });
}

std::vector<std::string> text_columns(const ImportMatrix& matrix) {
    std::vector<std::string> names;
    for (const ImportMatrix::Column& column : matrix.columns) {
        if (column.is_text) {
            names.push_back(fmt::format(
                "{} ({} text{}{})", in_quotes(column.name), column.texts.size(),
                column.texts.size() == 1 ? "" : "s",
                column.reference ? ", without " + in_quotes(column.texts[*column.reference]) : ""));
        }
    }
    return names;
}

std::optional<std::string> unknown_reference(const CsvFormat& format, const ImportSurvey& survey) {
    std::size_t position = 0;
    for (std::size_t i = 0; i < format.chosen_references.size(); ++i) {
        if (format.kinds[i] == ColumnKind::number && format.chosen_references[i]) {
            return fmt::format("--reference: {} holds numbers; to take them as texts, give {}",
                               format.name_of_column(i), format.option_on("text", i));
        }
        if (format.kinds[i] != ColumnKind::text) {
            continue;
        }
        const std::set<std::string>& texts = survey.texts.at(position++).texts();
        const std::optional<std::string>& chosen = format.chosen_references[i];
        if (chosen && !texts.contains(*chosen)) {
            return fmt::format("--reference: {} has no text {}; its texts are {}",
                               format.name_of_column(i), in_quotes(*chosen), shown(texts));
        }
    }
    return std::nullopt;
}

std::vector<std::string> notes_on_references(const ImportMatrix& matrix, Index missing_texts) {
    std::vector<std::string> sentences;
    if (missing_texts > 0) {
        sentences.push_back(fmt::format(
            "{} missing text{} as the reference of the column, for all its features are 0 there",
            missing_texts, missing_texts == 1 ? " counts" : "s count"));
    }
    for (const ImportMatrix::Column& column : matrix.columns_without_features) {
        sentences.push_back(
            fmt::format("column {} has no text but its reference {}, and so no feature",
                        in_quotes(column.name), in_quotes(column.texts.front())));
    }
    return sentences;
}

ImportMatrix plan_table(const CsvFormat& format, const ImportSurvey& survey) {
    ImportMatrix matrix;
    matrix.rows = survey.rows;
    matrix.entries = survey.entries;
    std::size_t numbers = 0;
    std::size_t texts = 0;
    for (std::size_t i = 0; i < format.kinds.size(); ++i) {
        if (format.kinds[i] != ColumnKind::number && format.kinds[i] != ColumnKind::text) {
            continue;
        }
        ImportMatrix::Column column;
        column.name = format.feature_name(i);
        column.is_text = format.kinds[i] == ColumnKind::text;
        column.position = column.is_text ? texts++ : numbers++;
        column.first_feature = matrix.features;
        if (column.is_text && column.position < survey.texts.size()) {
            column.texts = sorted(survey.texts[column.position]);
            column.reference = reference_among(column.texts, format, i);
        }
        std::ranges::move(names_of_features(column), std::back_inserter(matrix.feature_names));
        matrix.features = static_cast<Index>(matrix.feature_names.size());
        const bool is_reference_alone = column.reference && column.texts.size() == 1;
        (is_reference_alone ? matrix.columns_without_features : matrix.columns)
            .push_back(std::move(column));
    }
    if (format.names.empty() && texts == 0) {
        matrix.feature_names.clear();
    }
    matrix.has_labels = std::ranges::any_of(format.kinds, [](ColumnKind kind) {
        return kind == ColumnKind::number_label || kind == ColumnKind::text_label;
    });
    matrix.has_weights = std::ranges::find(format.kinds, ColumnKind::weight) != format.kinds.end();
    matrix.fillings.assign(numbers, 0.0);
    matrix.missing_markers = format.missing_markers;
    matrix.label_texts = sorted(survey.label_texts);
    for (const std::string& text : matrix.label_texts) {
        matrix.label_length = std::max(matrix.label_length, text.size());
    }
    return matrix;
}

ImportMatrix plan_sparse(const ImportSurvey& survey, std::optional<int> index_base,
                         Index features) {
    ImportMatrix matrix;
    matrix.rows = survey.rows;
    matrix.entries = survey.entries;
    matrix.index_base = index_base                 ? static_cast<std::uint64_t>(*index_base)
                        : survey.lowest_index == 0 ? 0
                                                   : 1;
    const bool has_indices = survey.lowest_index <= survey.highest_index;
    const Index found =
        has_indices ? narrow<Index>(survey.highest_index + 1 - matrix.index_base) : 0;
    matrix.features = std::max(found, features);
    return matrix;
}

void choose_storage(ImportMatrix& matrix, const ImportSurvey& survey,
                    std::optional<MatrixLayout> layout, std::optional<ElementType> type) {
    ValueRange values = survey.values;
    const bool has_texts = std::any_of(matrix.columns.begin(), matrix.columns.end(),
                                       [](const auto& column) { return column.is_text; });
    if (has_texts) {
        values.add(0.0);
        values.add(1.0);
    }
    if (survey.missing_values > 0) {
        values.add(matrix.used_fillings);
    }
    // Entries that are not written are zeros, which every type holds.
    if (type && !values.fits(*type)) {
        throw Error(ExitCode::usage,
                    fmt::format("--type {}: does not hold every feature exactly; {} does",
                                name_of(*type), name_of(values.type())));
    }
    matrix.value_type = type.value_or(values.type());
    matrix.label_type = survey.labels.type();
    matrix.weight_type = survey.weights.type();
    // In floating point: the dense size may be beyond 2^63.
    const auto value_bytes = static_cast<double>(size_of(matrix.value_type));
    const double dense_bytes =
        static_cast<double>(matrix.rows) * static_cast<double>(matrix.features) * value_bytes;
    const double csr_bytes =
        static_cast<double>(matrix.entries) * (value_bytes + sizeof(std::uint32_t)) +
        static_cast<double>(matrix.rows) * sizeof(Index);
    matrix.layout = layout                        ? *layout
                    : 2 * csr_bytes < dense_bytes ? MatrixLayout::csr
                                                  : MatrixLayout::dense;
}

RowsOfChunk::RowsOfChunk(const ParsedChunk& chunk, const ImportMatrix& matrix)
    : chunk_(chunk), matrix_(matrix) {
    // Those that have no feature too.
    features_of_codes_.resize(chunk.texts.size());
    for (const ImportMatrix::Column& column : matrix.columns) {
        if (!column.is_text) {
            continue;
        }
        std::vector<Index>& features = features_of_codes_[column.position];
        if (column.position < chunk.texts.size()) {
            for (const std::string& text : chunk.texts[column.position]) {
                const Index position = position_in(column.texts, text);
                if (position == unknown && !matrix.may_have_unknown_texts) {
                    throw Error(ExitCode::internal,
                                "internal error: a text is not in its dictionary");
                }
                features.push_back(position == unknown ? unknown
                                                       : feature_of_text(column, position));
            }
        }
    }
}

template <class Take>
void RowsOfChunk::for_each_entry(Index row, Take&& take) const {
    const auto r = static_cast<std::size_t>(row);
    if (matrix_.columns.empty()) {
        const auto first =
            r == 0 ? std::size_t{0} : static_cast<std::size_t>(chunk_.row_ends[r - 1]);
        const auto end = static_cast<std::size_t>(chunk_.row_ends[r]);
        for (std::size_t entry = first; entry < end; ++entry) {
            take(chunk_.index(entry) - matrix_.index_base, chunk_.values[entry], false);
        }
        return;
    }
    const double* const values = chunk_.values.data() + r * matrix_.fillings.size();
    const std::uint32_t* const codes = chunk_.codes.data() + r * features_of_codes_.size();
    for (const ImportMatrix::Column& column : matrix_.columns) {
        if (!column.is_text) {
            const double value = values[column.position];
            const bool is_missing = std::isnan(value);
            take(static_cast<std::uint64_t>(column.first_feature),
                 is_missing ? matrix_.fillings[column.position] : value, is_missing);
        } else if (codes[column.position] != missing_text) {
            const Index feature = features_of_codes_[column.position][codes[column.position]];
            if (feature == no_feature) {
                continue;
            }
            // The survey counted an entry for it: a zero is stored.
            const bool is_unknown = feature == unknown;
            take(static_cast<std::uint64_t>(is_unknown ? column.first_feature : feature),
                 is_unknown ? 0.0 : 1.0, is_unknown);
        }
    }
}

void RowsOfChunk::dense(Index first_row, Index rows, std::span<double> out) const {
    if (out.empty()) {
        return;
    }
    const auto features = static_cast<std::size_t>(matrix_.features);
    const bool are_numbers =
        !matrix_.columns.empty() && std::ranges::all_of(matrix_.columns, [](const auto& column) {
            return !column.is_text &&
                   column.position == static_cast<std::size_t>(column.first_feature);
        });
    if (are_numbers && chunk_.missing_values == 0) {
        std::memcpy(out.data(),
                    chunk_.values.data() + static_cast<std::size_t>(first_row) * features,
                    static_cast<std::size_t>(rows) * features * sizeof(double));
        return;
    }
    std::fill_n(out.begin(), static_cast<std::size_t>(rows) * features, 0.0);
    double* row_values = out.data();
    for (Index row = first_row; row < first_row + rows; ++row, row_values += features) {
        for_each_entry(
            row, [&](std::uint64_t feature, double value, bool) { row_values[feature] = value; });
    }
}

SparseRows RowsOfChunk::sparse() const {
    if (matrix_.columns.empty()) {
        return pack(
            chunk_.values, chunk_.values.size(),
            [&](std::size_t entry) { return chunk_.index(entry) - matrix_.index_base; },
            chunk_.row_ends);
    }
    std::vector<double> values;
    std::vector<std::uint64_t> indices;
    std::vector<Index> row_ends;
    for (Index row = 0; row < chunk_.rows; ++row) {
        for_each_entry(row, [&](std::uint64_t feature, double value, bool is_filled_in) {
            // What is filled in is stored even when it is a zero: the survey counted it.
            if (value != 0 || is_filled_in) {
                indices.push_back(feature);
                values.push_back(value);
            }
        });
        row_ends.push_back(static_cast<Index>(values.size()));
    }
    return pack(
        values, indices.size(), [&](std::size_t entry) { return indices[entry]; },
        std::move(row_ends));
}

template <class IndexOf>
SparseRows RowsOfChunk::pack(std::span<const double> values, std::size_t entries,
                             IndexOf&& index_of, std::vector<Index> row_ends) const {
    SparseRows rows;
    rows.values.resize(entries * size_of(matrix_.value_type));
    store(values, matrix_.value_type, rows.values);
    rows.indices.reserve(entries);
    for (std::size_t entry = 0; entry < entries; ++entry) {
        rows.indices.push_back(static_cast<std::uint32_t>(index_of(entry)));
    }
    rows.row_ends = std::move(row_ends);
    return rows;
}

RowsOfChunk::ReferenceCounts RowsOfChunk::count_references() const {
    ReferenceCounts counts;
    for (const ImportMatrix::Column& column : matrix_.columns) {
        if (!column.reference) {
            continue;
        }
        for (std::size_t i = column.position; i < chunk_.codes.size();
             i += features_of_codes_.size()) {
            const std::uint32_t code = chunk_.codes[i];
            if (code == missing_text) {
                ++counts.missing;
            } else if (features_of_codes_[column.position][code] == no_feature) {
                ++counts.references;
            }
        }
    }
    for (const ImportMatrix::Column& column : matrix_.columns_without_features) {
        for (std::size_t i = column.position; i < chunk_.codes.size();
             i += features_of_codes_.size()) {
            counts.references += chunk_.codes[i] == missing_text ? 0 : 1;
        }
    }
    return counts;
}

void RowsOfChunk::count_unknown(std::span<Index> rows_by_column) const {
    for (std::size_t c = 0; c < matrix_.columns.size(); ++c) {
        const ImportMatrix::Column& column = matrix_.columns[c];
        if (!column.is_text) {
            continue;
        }
        const std::vector<Index>& features = features_of_codes_[column.position];
        if (std::ranges::find(features, unknown) == features.end()) {
            continue;
        }
        for (std::size_t i = column.position; i < chunk_.codes.size();
             i += features_of_codes_.size()) {
            const std::uint32_t code = chunk_.codes[i];
            rows_by_column[c] += code != missing_text && features[code] == unknown ? 1 : 0;
        }
    }
}

std::string RowsOfChunk::padded_labels() const {
    std::string labels(static_cast<std::size_t>(chunk_.rows) * matrix_.label_length, '\0');
    auto target = labels.begin();
    for (const std::uint32_t code : chunk_.label_codes) {
        const std::string& text = chunk_.label_texts[code];
        std::ranges::copy(text, target);
        target += static_cast<std::ptrdiff_t>(matrix_.label_length);
    }
    return labels;
}

}  // namespace paralogit::data
