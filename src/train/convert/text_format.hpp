#pragma once

#include <optional>
#include <vector>

#include "paralogit/data/import/csv.hpp"
#include "paralogit/data/import/libsvm.hpp"
#include "paralogit/data/import/reference.hpp"
#include "paralogit/data/import/text_input.hpp"
#include "paralogit/train/convert.hpp"

namespace paralogit::train {

/// How the text of all files is to be read: as a table, or as LIBSVM.
struct TextFormat {
    std::optional<data::CsvFormat> csv;
    std::optional<data::ReferenceTable> like;  ///< whose columns the table gets
    data::LibsvmOptions libsvm;
    std::vector<std::string> warnings;
};

/// Decides how to read from the first file that has any text. Throws Error (input_data) that names
/// the file when its beginning does not tell, and Error (usage) for options that mean nothing
/// there.
TextFormat detect_format(const std::vector<data::TextFile>& files, const ConvertOptions& options);

}  // namespace paralogit::train
