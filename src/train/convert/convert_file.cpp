#include "convert_file.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <vector>

#include "paralogit/base/checked.hpp"
#include "paralogit/data/import/reference.hpp"
#include "paralogit/h5/writer.hpp"
#include "paralogit/train/convert.hpp"

namespace paralogit::train {

namespace {

/// A name for the dictionary of each column of texts, by position among all columns: fit for a path
/// in the file, and none that train would take for labels.
std::vector<std::string> dictionary_names(const data::ImportMatrix& matrix) {
    std::map<std::string, int> uses;
    for (const data::ImportMatrix::Column& column : matrix.columns) {
        ++uses[column.name];
    }
    std::vector<std::string> names;
    for (std::size_t i = 0; i < matrix.columns.size(); ++i) {
        const std::string& name = matrix.columns[i].name;
        const bool is_usable = !name.empty() && uses[name] == 1 &&
                               name.find('/') == std::string::npos &&
                               name.find('\0') == std::string::npos;
        names.push_back(
            "dictionaries/" + std::string(data::dictionary_prefix) +
            (is_usable ? name : "feature_" + std::to_string(matrix.columns[i].first_feature)));
    }
    return names;
}

void write_rows_dense(const SharedFile& file, Index offset, const data::ImportMatrix& matrix,
                      const data::RowsOfChunk& rows, Index first_row, Index count) {
    constexpr Index band_values = Index{1} << 16;
    const auto value_bytes = static_cast<Index>(size_of(matrix.value_type));
    const Index band_rows = std::max<Index>(1, band_values / matrix.features);
    std::vector<double> values;
    // One write of some megabytes is faster than many small ones.
    constexpr Index piece_bytes = Index{1} << 22;
    std::vector<std::byte> piece;
    Index piece_row = 0;
    for (Index row = 0; row < count; row += band_rows) {
        const Index band = std::min(band_rows, count - row);
        values.resize(static_cast<std::size_t>(band * matrix.features));
        rows.dense(row, band, values);
        const std::size_t held = piece.size();
        piece.resize(held + values.size() * static_cast<std::size_t>(value_bytes));
        data::store(values, matrix.value_type, std::span(piece).subspan(held));
        if (row + band == count || static_cast<Index>(piece.size()) >= piece_bytes) {
            file.write(offset + (first_row + piece_row) * matrix.features * value_bytes, piece);
            piece.clear();
            piece_row = row + band;
        }
    }
}

void write_rows_sparse(const SharedFile& file, const ConvertedOffsets& offsets,
                       const data::ImportMatrix& matrix, const data::RowsOfChunk& rows,
                       Index first_row, Index first_entry) {
    data::SparseRows sparse = rows.sparse();
    const auto value_bytes = static_cast<Index>(size_of(matrix.value_type));
    file.write(offsets.values + first_entry * value_bytes, sparse.values);
    file.write(offsets.indices + first_entry * static_cast<Index>(sizeof(std::uint32_t)),
               std::as_bytes(std::span(sparse.indices)));
    for (Index& end : sparse.row_ends) {
        end += first_entry;
    }
    const Index zero = 0;
    if (first_row == 0) {
        file.write(offsets.row_ends, std::as_bytes(std::span(&zero, 1)));
    }
    file.write(offsets.row_ends + (first_row + 1) * static_cast<Index>(sizeof(Index)),
               std::as_bytes(std::span(sparse.row_ends)));
}

void write_weights(const SharedFile& file, const ConvertedOffsets& offsets,
                   const data::ImportMatrix& matrix, const data::ParsedChunk& chunk,
                   Index first_row) {
    const std::size_t bytes = size_of(matrix.weight_type);
    std::vector<std::byte> weights(chunk.weights.size() * bytes);
    data::store(chunk.weights, matrix.weight_type, weights);
    file.write(offsets.weights + first_row * static_cast<Index>(bytes), weights);
}

void write_labels(const SharedFile& file, const ConvertedOffsets& offsets,
                  const data::ImportMatrix& matrix, const data::RowsOfChunk& rows,
                  const data::ParsedChunk& chunk, Index first_row) {
    if (matrix.label_texts.empty()) {
        std::vector<std::byte> labels(chunk.labels.size() * size_of(matrix.label_type));
        data::store(chunk.labels, matrix.label_type, labels);
        file.write(offsets.labels + first_row * static_cast<Index>(size_of(matrix.label_type)),
                   labels);
    } else {
        const std::string labels = rows.padded_labels();
        file.write(offsets.labels + first_row * narrow<Index>(matrix.label_length),
                   std::as_bytes(std::span(labels)));
    }
}

}  // namespace

ConvertedOffsets make_converted_file(const std::filesystem::path& path,
                                     const std::filesystem::path& target,
                                     const data::ImportMatrix& matrix, bool has_query_ids) {
    h5::Writer writer(path, target);
    const std::array<Index, 2> shape{matrix.rows, matrix.features};
    const std::span<const Index> by_row = std::span(shape).first(1);
    ConvertedOffsets offsets;
    if (matrix.layout == data::MatrixLayout::dense) {
        offsets.dense = writer.reserve("X", matrix.value_type, shape);
    } else {
        const std::array<Index, 1> entries{matrix.entries};
        const std::array<Index, 1> ends{matrix.rows + 1};
        offsets.values = writer.reserve("X/data", matrix.value_type, entries);
        offsets.indices = writer.reserve("X/indices", ElementType::uint32, entries);
        offsets.row_ends = writer.reserve("X/indptr", ElementType::int64, ends);
        writer.annotate("X", "encoding-type", "csr_matrix");
        writer.annotate("X", "encoding-version", "0.1.0");
        writer.annotate("X", "shape", shape);
    }
    if (matrix.has_labels) {
        offsets.labels =
            matrix.label_texts.empty()
                ? writer.reserve("y", matrix.label_type, by_row)
                : writer.reserve_texts("y", narrow<Index>(matrix.label_length), matrix.rows);
    }
    if (matrix.has_weights) {
        offsets.weights =
            writer.reserve(std::string(converted_weights), matrix.weight_type, by_row);
    }
    if (has_query_ids) {
        offsets.query_ids = writer.reserve("qid", ElementType::int64, by_row);
    }
    if (!matrix.feature_names.empty()) {
        writer.dataset("feature_names", matrix.feature_names);
    }
    if (!matrix.filling_rule.empty()) {
        std::vector<double> fillings(narrow<std::size_t>(matrix.features),
                                     std::numeric_limits<double>::quiet_NaN());
        for (const data::ImportMatrix::Column& column : matrix.columns) {
            if (!column.is_text) {
                fillings[narrow<std::size_t>(column.first_feature)] =
                    matrix.fillings[column.position];
            }
        }
        writer.attribute("missing", matrix.filling_rule);
        writer.dataset("fillings", fillings);
    }
    if (!matrix.columns.empty()) {
        writer.dataset("missing_markers", matrix.missing_markers);
    }
    const std::vector<std::string> names = dictionary_names(matrix);
    for (std::size_t i = 0; i < matrix.columns.size(); ++i) {
        const data::ImportMatrix::Column& column = matrix.columns[i];
        if (column.is_text) {
            writer.dataset(names[i], column.texts);
        }
        if (column.reference) {
            writer.annotate(names[i], "reference", column.texts[*column.reference]);
        }
    }
    writer.attribute("generator", "paralogit convert");
    if (matrix.columns.empty()) {
        writer.attribute("index_base", static_cast<Index>(matrix.index_base));
    }
    writer.close();
    return offsets;
}

void write_chunk(const SharedFile& file, const ConvertedOffsets& offsets,
                 const data::ImportMatrix& matrix, const data::ParsedChunk& chunk, Index first_row,
                 Index first_entry) {
    if (chunk.rows == 0) {
        return;
    }
    const data::RowsOfChunk rows(chunk, matrix);
    if (matrix.layout == data::MatrixLayout::dense) {
        write_rows_dense(file, offsets.dense, matrix, rows, first_row, chunk.rows);
    } else {
        write_rows_sparse(file, offsets, matrix, rows, first_row, first_entry);
    }
    if (matrix.has_labels) {
        write_labels(file, offsets, matrix, rows, chunk, first_row);
    }
    if (matrix.has_weights) {
        write_weights(file, offsets, matrix, chunk, first_row);
    }
    if (!chunk.query_ids.empty()) {
        file.write(offsets.query_ids + first_row * static_cast<Index>(sizeof(Index)),
                   std::as_bytes(std::span(chunk.query_ids)));
    }
}

}  // namespace paralogit::train
