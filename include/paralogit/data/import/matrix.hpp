#pragma once

#include <span>

#include "paralogit/base/element_type.hpp"
#include "paralogit/data/import/csv.hpp"
#include "paralogit/data/import/survey.hpp"

namespace paralogit::data {

enum class MatrixLayout : std::uint8_t { dense, csr };

/// The matrix that the rows are written into.
struct ImportMatrix {
    Index rows = 0;
    Index features = 0;
    Index entries = 0;  ///< that a sparse layout stores
    MatrixLayout layout = MatrixLayout::dense;
    ElementType value_type = ElementType::float64;
    bool has_labels = true;
    ElementType label_type = ElementType::float64;  ///< of labels that are numbers
    bool has_weights = false;
    ElementType weight_type = ElementType::float64;
    std::uint64_t index_base = 1;  ///< of sparse text

    // Of a table.
    /// A column of numbers is one feature; a column of texts is one feature for each of them but
    /// the reference.
    struct Column {
        std::string name;
        bool is_text = false;
        std::size_t position = 0;  ///< among the columns of its kind
        Index first_feature = 0;
        std::vector<std::string> texts;        ///< in sorted order
        std::optional<std::size_t> reference;  ///< which of them
    };
    std::vector<Column> columns;
    /// That have no text but the reference, and so no feature: not among the columns.
    std::vector<Column> columns_without_features;
    bool may_have_unknown_texts = false;     ///< which then are zeros for all texts of their column
    std::vector<std::string> feature_names;  ///< [features], or empty
    /// What stands for missing values, by column of numbers: not finite where nothing can.
    std::vector<double> fillings;
    std::vector<double> used_fillings;         ///< those of columns that miss values
    std::vector<std::string> missing_markers;  ///< as of a CsvFormat
    std::string filling_rule;                  ///< "mean", "median" or "number"; empty without one
    std::vector<std::string> label_texts;      ///< in sorted order; empty for numbers
    std::size_t label_length = 0;              ///< bytes of the longest of them
};

/// What the features of a column of a table are called.
std::vector<std::string> names_of_features(const ImportMatrix::Column& column);

/// "'town' (3 texts, without 'Ulm')": the columns of texts, how many they have and which of them is
/// the reference.
std::vector<std::string> text_columns(const ImportMatrix& matrix);

bool has_references(const ImportMatrix& matrix);

/// A sentence on a reference that the user chose and that is not among the texts of its column.
std::optional<std::string> unknown_reference(const CsvFormat& format, const ImportSurvey& survey);

/// Sentences on texts that are not told apart from references, and columns that have no others.
std::vector<std::string> notes_on_references(const ImportMatrix& matrix, Index missing_texts);

/// The columns of a table, their features and names, as the survey found them. A
/// reference that was chosen and does not occur is none.
ImportMatrix plan_table(const CsvFormat& format, const ImportSurvey& survey);
/// The same of sparse text. `features`: at least that many.
ImportMatrix plan_sparse(const ImportSurvey& survey, std::optional<int> index_base, Index features);

/// Chooses the types, and the layout unless it is given: sparse when that takes less than half the
/// bytes. To be called when the fillings are known. Throws Error (usage) when not all features are
/// exact in the type that is given.
void choose_storage(ImportMatrix& matrix, const ImportSurvey& survey,
                    std::optional<MatrixLayout> layout,
                    std::optional<ElementType> type = std::nullopt);

/// The entries of some rows, values as elements of the type of the matrix.
struct SparseRows {
    std::vector<std::byte> values;
    std::vector<std::uint32_t> indices;  ///< from 0
    std::vector<Index> row_ends;         ///< entries of this row and those before
};

/// The rows of a chunk as they are stored.
class RowsOfChunk {
  public:
    /// Both must live longer.
    RowsOfChunk(const ParsedChunk& chunk, const ImportMatrix& matrix);

    /// Row-major [rows x features].
    void dense(Index first_row, Index rows, std::span<double> out) const;
    SparseRows sparse() const;
    /// Labels that are texts, each filled up with zeros to the length of the longest.
    std::string padded_labels() const;

    /// Of the texts in columns that have a reference.
    struct ReferenceCounts {
        Index references = 0;  ///< which a sparse layout does not store
        Index missing = 0;     ///< which look like references
    };
    ReferenceCounts count_references() const;
    /// Adds, by column of the matrix, the rows whose text has no feature since it is unknown.
    void count_unknown(std::span<Index> rows_by_column) const;

  private:
    template <class Take>
    void for_each_entry(Index row, Take&& take) const;
    template <class IndexOf>
    SparseRows pack(std::span<const double> values, std::size_t entries, IndexOf&& index_of,
                    std::vector<Index> row_ends) const;

    const ParsedChunk& chunk_;
    const ImportMatrix& matrix_;
    std::vector<std::vector<Index>> features_of_codes_;  ///< by column of texts of the text
};

}  // namespace paralogit::data
