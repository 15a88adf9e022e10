#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "paralogit/data/import/matrix.hpp"

namespace paralogit::data {

/// The columns of a table that was converted before, so that another table can get the same
/// features: those of the rows that a model was trained on.
struct ReferenceTable {
    std::string path;  ///< of the converted file
    Index features = 0;
    /// In the order of their features; empty when the file names none. A position means nothing.
    /// Columns without a feature are not among them.
    std::vector<ImportMatrix::Column> columns;
    std::optional<int> index_base;  ///< of sparse text that it was made of
    bool has_labels = true;
    std::vector<std::string> label_texts;  ///< in sorted order; empty for numbers
    std::string filling_rule;              ///< as of an ImportMatrix
    std::vector<double> fillings;          ///< [features], when there is a rule; NaN for none
    /// As of a CsvFormat; empty when an older version made the file.
    std::optional<std::vector<std::string>> missing_markers;

    /// Whether the names of its columns come from a header.
    bool is_named() const;
};

/// What convert puts before the name of a column, to name its dictionary.
inline constexpr std::string_view dictionary_prefix = "texts_of_";

/// The texts of a column as they lie in a converted file.
struct Dictionary {
    std::vector<std::string> texts;        ///< in sorted order
    std::optional<std::string> reference;  ///< the one that has no feature
};

/// The columns that features of these names were made of: `dictionaries` by the names that convert
/// gives them. Throws Error (input_data) that names the file when the two do not fit together.
ReferenceTable reference_table(const std::string& path, Index features,
                               const std::vector<std::string>& feature_names,
                               const std::map<std::string, Dictionary>& dictionaries);

/// Reads the columns of the reference as it has them, wherever they stand, and no others. What is a
/// text there is one here, though it be spelled like a marker of missing values. Labels are of the
/// kind that they are there, and no others than there where they are texts. Throws Error
/// (input_data) that names the file and the columns that are missing.
void follow(const ReferenceTable& reference, CsvFormat& format, const std::string& file);

/// A sentence on fields that are missing values in one of the two tables and not in the other;
/// empty when there are none, or when the reference does not tell.
std::string note_on_markers(const ReferenceTable& reference,
                            const std::vector<std::string>& markers);

/// As plan_table(format, survey), with the features of the reference.
ImportMatrix plan_table(const CsvFormat& format, const ImportSurvey& survey,
                        const ReferenceTable& reference);

/// As plan_sparse(), with the features of the reference: throws Error (input_data) when there are
/// indices beyond.
ImportMatrix plan_sparse(const ImportSurvey& survey, const ReferenceTable& reference);

/// A sentence for each column with texts that the reference does not have; `rows`: how many have
/// one, by column of the matrix.
std::vector<std::string> unknown_texts(const ImportMatrix& matrix, const ImportSurvey& survey,
                                       const ReferenceTable& reference,
                                       std::span<const Index> rows);

}  // namespace paralogit::data
