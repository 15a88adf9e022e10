#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "paralogit/base/types.hpp"

namespace paralogit::data {

/// The rows of a chunk of text, in the form that takes the least memory before the types of the
/// file are known. Either sparse (LIBSVM) or a table (CSV).
struct ParsedChunk {
    Index rows = 0;
    std::vector<double> labels;              ///< [rows], when they are numbers
    std::vector<std::uint32_t> label_codes;  ///< [rows], when they are texts: into label_texts
    std::vector<std::string> label_texts;
    std::vector<double> weights;  ///< [rows]; empty when the rows have none

    // Sparse: the entries other than zero, row by row.
    std::vector<Index> row_ends;              ///< [rows]: entries of this row and those before
    std::vector<std::uint32_t> indices;       ///< as written; the lower halves of 64 bits
    std::vector<std::uint32_t> upper_halves;  ///< of indices; empty when all are 0
    std::vector<std::int64_t> query_ids;      ///< [rows]; empty when no row has one
    /// Of all indices that are written, those of zeros too.
    std::uint64_t lowest_index = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t highest_index = 0;

    /// Sparse: of the entries. Table: row-major [rows x columns of numbers]; NaN where missing.
    std::vector<double> values;
    Index rounded_integers = 0;  ///< among them, that no double holds

    // Table: columns of texts.
    std::vector<std::uint32_t> codes;             ///< row-major [rows x columns of texts]
    std::vector<std::vector<std::string>> texts;  ///< by column: what its codes mean
    Index missing_values = 0;                     ///< in columns of numbers

    std::uint64_t index(std::size_t entry) const {
        const std::uint64_t upper = upper_halves.empty() ? 0 : upper_halves[entry];
        return upper << 32U | indices[entry];
    }
    /// An estimate of what it takes in memory.
    Index bytes() const;
};

/// The code of a text that is missing.
inline constexpr std::uint32_t missing_text = std::numeric_limits<std::uint32_t>::max();

}  // namespace paralogit::data
