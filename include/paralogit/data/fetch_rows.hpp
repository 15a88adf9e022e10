#pragma once

#include <span>
#include <vector>

#include "paralogit/data/shard.hpp"

namespace paralogit::data {

/// A row that is not held, and where it goes.
struct WantedRow {
    Index row;   ///< global
    Index slot;  ///< of the memory that rows go to, counted in rows
};

/// Reads features of rows of a shard that stay in its files. `wanted` rises by row. Rows that lie
/// near each other are read at once; a chunk is decoded once for all of its rows that are wanted.
/// Throws Error (input_data). Not collective.
void fetch_rows(const Shard& shard, std::span<const WantedRow> wanted, std::byte* out);

/// Where each row of a shard begins among the shard's entries, and where the last one ends
/// [rows + 1]; of sparse rows that stay in the files. Throws Error (input_data). Not collective.
std::vector<Index> read_row_offsets(const Shard& shard);

/// Reads the entries of sparse rows that stay in the files, by their global numbers, which rise.
/// They lie side by side then: `values` in their stored type, `indices` in 32 bits. `offsets` are
/// those of read_row_offsets(). What lies near each other is read at once, as above. Throws Error
/// (input_data). One caller at a time. Not collective.
void fetch_sparse_rows(const Shard& shard, std::span<const Index> offsets,
                       std::span<const Index> rows, std::byte* values, std::byte* indices);

}  // namespace paralogit::data
