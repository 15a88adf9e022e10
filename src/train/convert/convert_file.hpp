#pragma once

#include <filesystem>
#include <memory>

#include "paralogit/base/output_file.hpp"
#include "paralogit/data/import/matrix.hpp"

namespace paralogit::train {

/// Where the datasets of the converted file begin; 0 where there is none.
struct ConvertedOffsets {
    Index dense = 0;
    Index values = 0;
    Index indices = 0;
    Index row_ends = 0;
    Index labels = 0;
    Index weights = 0;
    Index query_ids = 0;
};

/// Writes all that does not depend on the rows, and reserves room for them. `target` is what the
/// file is going to be called.
ConvertedOffsets make_converted_file(const std::filesystem::path& path,
                                     const std::filesystem::path& target,
                                     const data::ImportMatrix& matrix, bool has_query_ids);

/// Writes the rows of one chunk: the first of them, and the first of their entries, as given.
void write_chunk(const SharedFile& file, const ConvertedOffsets& offsets,
                 const data::ImportMatrix& matrix, const data::ParsedChunk& chunk, Index first_row,
                 Index first_entry);

}  // namespace paralogit::train
