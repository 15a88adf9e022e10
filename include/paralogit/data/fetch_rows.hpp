#pragma once

#include <span>

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

}  // namespace paralogit::data
