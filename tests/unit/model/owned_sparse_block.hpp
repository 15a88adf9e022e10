#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "owned_block.hpp"
#include "paralogit/base/threads.hpp"
#include "paralogit/model/sparse_block.hpp"

namespace paralogit::model::testing {

/// Sparse rows that own their memory.
struct OwnedSparseBlock {
    Index features = 0;
    ElementType type = ElementType::float64;
    std::vector<double> values;
    std::vector<std::byte> stored;  ///< the values in `type`; made by store()
    std::vector<std::uint32_t> indices;
    std::vector<Index> offsets{0};
    std::vector<double> labels;
    std::vector<double> row_weights;
    Index first_global_row = 0;

    Index rows() const { return static_cast<Index>(labels.size()); }
    double weight(std::size_t row) const { return row_weights.empty() ? 1.0 : row_weights[row]; }

    void add_row(const std::vector<std::pair<std::uint32_t, double>>& entries, double label);
    void store(ElementType as);

    SparseBlock view() const { return rows_of({.first = 0, .end = rows()}); }

    /// Some of its rows.
    SparseBlock rows_of(Range range) const;

    /// The same rows with all their zeros.
    OwnedBlock dense() const;
};

/// Rows of 0 to `most_entries` small integers, which every element type can hold.
OwnedSparseBlock random_sparse_block(Index rows, Index features, Index most_entries,
                                     bool is_weighted, std::uint64_t seed);

}  // namespace paralogit::model::testing
