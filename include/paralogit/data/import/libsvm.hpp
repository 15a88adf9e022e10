#pragma once

#include <optional>
#include <string_view>

#include "paralogit/data/import/parsed_chunk.hpp"

namespace paralogit::data {

struct LibsvmOptions {
    /// What the first feature is called: 0 or 1; empty: 0 when an index 0 occurs, else 1.
    std::optional<int> index_base;
};

/// Reads lines `label [qid:N] index:value ... [# comment]`. The text is empty or ends in CR or LF.
/// `is_first_of_file`: it may begin with the mark of UTF-8. Throws BadText at the offset of the
/// first thing that is wrong.
ParsedChunk parse_libsvm(std::string_view text, const LibsvmOptions& options,
                         bool is_first_of_file = false);

/// Whether the beginning of a text has the form of LIBSVM; by the end of the file's name when the
/// lines do not tell.
bool looks_like_libsvm(std::string_view head, std::string_view name);

}  // namespace paralogit::data
